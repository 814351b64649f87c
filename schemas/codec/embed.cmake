# cmake -DNAME=decision -DFROM=decision.avsc -DTO=out.c -P embed.cmake: a file as C.
file(READ ${FROM} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)"
       "\\1\n" bytes "${bytes}")
file(WRITE ${TO} "/* A file of schemas/, written by embed.cmake. */
#include \"codec/schema.h\"

static const unsigned char text[] = {
${bytes}0};

const char *fd_embedded_${NAME}_schema(size_t *n)
{
    *n = sizeof text - 1;
    return (const char *)text;
}
")
