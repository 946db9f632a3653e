#include "s3/s3_xml.h"

#include <expat.h>
#include <stdlib.h>

#define PATH_MAX_BYTES ((size_t)512)

struct s3_xml {
    XML_Parser parser;
    s3_xml_fn fn;
    void *context;
    struct pen_buf path, text;
    size_t starts[S3_XML_DEPTH];      /* length of path before each open element */
    size_t text_starts[S3_XML_DEPTH]; /* where the text of each open element begins */
    size_t depth;
    struct pen_error error; /* why the parser was stopped; code PEN_OK: it was not */
};

static void stop(struct s3_xml *xml)
{
    (void)XML_StopParser(xml->parser, XML_FALSE); /* fails only when stopped already */
}

static void stop_if(struct s3_xml *xml, enum pen_code code)
{
    if (code != PEN_OK)
        stop(xml);
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes; /* only namespaces, which never differ */
    struct s3_xml *xml = context;
    if (xml->error.code != PEN_OK)
        return;
    if (xml->depth == S3_XML_DEPTH) {
        stop_if(xml, pen_fail(&xml->error, PEN_ERR_CORRUPT, "XML is nested deeper than %d levels",
                              S3_XML_DEPTH));
        return;
    }
    xml->starts[xml->depth] = xml->path.len;
    xml->text_starts[xml->depth] = xml->text.len;
    enum pen_code code = xml->depth == 0 ? PEN_OK : pen_buf_add_char(&xml->path, '/', &xml->error);
    if (code == PEN_OK)
        code = pen_buf_add_str(&xml->path, name, &xml->error);
    xml->depth++;
    stop_if(xml, code);
}

static void on_end(void *context, const XML_Char *name)
{
    (void)name; /* expat has checked that it is the open one */
    struct s3_xml *xml = context;
    if (xml->error.code != PEN_OK)
        return;
    xml->depth--;
    size_t from = xml->text_starts[xml->depth];
    struct pen_slice text =
        pen_slice(xml->text.ptr == NULL ? "" : xml->text.ptr + from, xml->text.len - from);
    enum pen_code code = xml->fn(xml->context, xml->path.ptr, text, &xml->error);
    xml->path.len = xml->starts[xml->depth];
    xml->path.ptr[xml->path.len] = '\0';
    xml->text.len = from;
    stop_if(xml, code);
}

static void on_text(void *context, const XML_Char *bytes, int len)
{
    struct s3_xml *xml = context;
    if (xml->error.code == PEN_OK)
        stop_if(xml, pen_buf_add(&xml->text, bytes, (size_t)len, &xml->error));
}

static void on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_internal_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset; /* refused anyway */
    struct s3_xml *xml = context;
    stop_if(xml, pen_fail(&xml->error, PEN_ERR_CORRUPT,
                          "XML has a document type declaration, which no S3 service sends"));
}

enum pen_code s3_xml_new(s3_xml_fn fn, void *context, struct s3_xml **ret_xml,
                         struct pen_error *err)
{
    PEN_CLEANUP(s3_xml_free_p) struct s3_xml *xml = calloc(1, sizeof *xml);
    if (xml == NULL)
        return pen_fail_nomem(err);
    xml->fn = fn;
    xml->context = context;
    xml->path = PEN_BUF(PATH_MAX_BYTES);
    xml->text = PEN_BUF(S3_XML_TEXT_MAX);
    xml->parser = XML_ParserCreate("UTF-8");
    if (xml->parser == NULL)
        return pen_fail_nomem(err);
    XML_SetUserData(xml->parser, xml);
    XML_SetElementHandler(xml->parser, on_start, on_end);
    XML_SetCharacterDataHandler(xml->parser, on_text);
    XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
    *ret_xml = PEN_TAKE(xml);
    return PEN_OK;
}

static enum pen_code fail_xml(struct s3_xml *xml, struct pen_error *err)
{
    enum XML_Error why = XML_GetErrorCode(xml->parser);
    uint64_t offset = (uint64_t)XML_GetCurrentByteIndex(xml->parser);
    enum pen_code code = xml->error.code;
    if (code == PEN_OK && why == XML_ERROR_NO_MEMORY)
        return pen_fail_nomem(err);
    if (code == PEN_OK)
        code = pen_fail(&xml->error, PEN_ERR_CORRUPT, "reply is not valid XML: %s",
                        XML_ErrorString(why));
    xml->error.is_retryable = why == XML_ERROR_NO_ELEMENTS || why == XML_ERROR_UNCLOSED_TOKEN;
    xml->error.offset = offset;
    if (err != NULL)
        *err = xml->error;
    return code;
}

enum pen_code s3_xml_push(struct s3_xml *xml, struct pen_slice bytes, bool is_end,
                          struct pen_error *err)
{
    do { /* expat takes an int; is_end may come with nothing */
        size_t n = bytes.len < (size_t)1 << 20 ? bytes.len : (size_t)1 << 20;
        bool is_last = is_end && n == bytes.len;
        if (XML_Parse(xml->parser, n == 0 ? "" : bytes.ptr, (int)n, is_last) != XML_STATUS_OK)
            return fail_xml(xml, err);
        bytes = pen_slice_skip(bytes, n);
    } while (bytes.len > 0);
    return PEN_OK;
}

void s3_xml_free(struct s3_xml *xml)
{
    if (xml == NULL)
        return;
    if (xml->parser != NULL)
        XML_ParserFree(xml->parser);
    pen_buf_release(&xml->path);
    pen_buf_release(&xml->text);
    free(xml);
}
