# SPDX-License-Identifier: MIT
"""The functions of an ELF file by address: for tools/profile, tools/stretch and tools/hung."""
import bisect
import re
import subprocess


class Symbols:
    """Of code, whatever its linkage."""

    def __init__(self, path):
        names = subprocess.run(["nm", "-n", "--defined-only", str(path)], capture_output=True, text=True,
                               check=True).stdout
        rows = [row for row in map(str.split, names.splitlines()) if len(row) == 3 and row[1] in "tTwW"]
        self.at = {row[2]: int(row[0], 16) for row in rows}
        found = {int(row[0], 16): row[2] for row in rows}      # the last name of each address
        self.addresses = sorted(found)
        self.names = [found[address] for address in self.addresses]

    def function(self, address):
        """The function that an address is in; parts and copies that the compiler has made belong to it."""
        i = bisect.bisect_right(self.addresses, address) - 1
        return re.sub(r"\.(cold|part|isra|constprop|lto_priv).*", "", self.names[i]) if i >= 0 else f"{address:#x}"

    def end(self, name):
        """Where the function of this name ends: at the next one."""
        return self.addresses[bisect.bisect_right(self.addresses, self.at[name])]
