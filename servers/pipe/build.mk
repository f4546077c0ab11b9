# SPDX-License-Identifier: MIT
LIBS := bearssl
