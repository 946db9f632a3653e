#include "cli/cli.h"

int main(int argc, char **argv)
{
    return pen_cli_main(argc, argv);
}
