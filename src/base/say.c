#include "base/say.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void pen_say(void (*log)(void *context, const char *level, const char *text), void *context,
             const char *level, const char *format, ...)
{
    if (log == NULL)
        return;
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut on purpose */
    va_end(args);
    log(context, level, text);
}
