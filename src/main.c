#include <stdio.h>

int main(void)
{
    puts("penstock");
    return 0;
}
