LIBS := lwip
