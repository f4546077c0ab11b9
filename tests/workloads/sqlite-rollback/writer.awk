# Statements of one of two writers: -v who=NAME -v n=TRANSACTIONS. Each adds rows, moves one between
# two accounts, and takes some of it back.
BEGIN {
    print ".timeout 100000"
    for (i = 1; i <= n; i++) {
        print "BEGIN IMMEDIATE;"
        printf "INSERT INTO entry(who, n, text) VALUES('%s', %d, printf('%%0%dd', %d));\n", who, i, 20 + i % 50 * 40, i
        printf "UPDATE account SET amount = amount - %d WHERE name = 'a';\n", i
        printf "UPDATE account SET amount = amount + %d WHERE name = 'b';\n", i
        if (i % 7 == 0) {
            print "SAVEPOINT s; DELETE FROM entry; ROLLBACK TO s; RELEASE s;"
        }
        print (i % 5 == 0 ? "ROLLBACK;" : "COMMIT;")
    }
}
