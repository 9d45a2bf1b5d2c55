/* empty.c: lets the support library exist when it has no other file. */
typedef int support_empty;
