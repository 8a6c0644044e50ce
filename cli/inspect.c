/** inspect: a Parquet file as it says it is, whether that is so, and what makes it a table elsewhere. */
#include "inspect/inspect.h"

#include "cli/cli.h"
#include "cli/inspect_text.h"
#include "inspect/input.h"
#include "store/store.h"
#include "json/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct inspection {
    const struct ql_settings *settings;
    struct ql_str name; /* as the user wrote it */
    struct ql_file_input local;
    struct ql_s3_options s3; /* of an object, as what follows */
    struct ql_http *http;
    struct ql_cli_aws aws;
    struct ql_s3_client *client;
    struct ql_s3_object *object;
    struct ql_parquet_input input; /* one of the two */
    struct ql_parquet_file file;
    struct ql_verify_report *report; /* NULL: not verified */
    bool is_told;                    /* in a JSON document, which has the damage as its error */
};

static void fini(struct inspection *inspection) {
    ql_parquet_file_fini(&inspection->file);
    ql_file_input_fini(&inspection->local);
    ql_s3_object_free(inspection->object);
    ql_s3_client_free(inspection->client);
    ql_http_free(inspection->http);
    ql_cli_aws_fini(&inspection->aws);
    ql_mem_free(inspection->report);
}

/* A path that other programs find as well: absolute, without links. The name as it is where there is none. */
static void put_location(struct ql_str path, struct ql_buf *out) {
    char *name = ql_mem_strndup(path.ptr, path.len);
    char *resolved = realpath(name, NULL);
    ql_buf_puts(out, resolved != NULL ? resolved : name);
    free(resolved); /* realpath's own */
    ql_mem_free(name);
}

static enum ql_status put_ddl(const struct inspection *inspection, const struct ql_destination *place, struct ql_buf *out,
                              struct ql_err *err) {
    const struct ql_settings *settings = inspection->settings;
    struct ql_buf location = {0};
    if (place->kind == QL_STORE_FILE) {
        put_location(place->path, &location);
    } else {
        ql_buf_put_str(&location, inspection->name);
    }
    const struct ql_ddl_options options = {.engine = (enum ql_ddl_engine)(settings->ddl - QL_SET_DDL_ATHENA),
                                           .location = ql_buf_view(&location),
                                           .root = settings->location,
                                           .table = settings->table,
                                           .partitions = settings->partitioned.items,
                                           .n_partitions = settings->partitioned.n};
    enum ql_status status = QL_OK;
    if (place->kind == QL_STORE_STDOUT && settings->location.len == 0) {
        status = QL_FAIL(err, QL_E_USAGE, "standard input lies in no folder that could be a table");
        ql_err_hint(err, "say where the files are: --location URI");
    } else {
        status = ql_ddl_put(&inspection->file, &options, out, err);
    }
    ql_buf_fini(&location);
    return status;
}

static enum ql_status print_json(struct inspection *inspection, const struct ql_destination *place, const struct ql_err *damage,
                                 struct ql_err *err) {
    struct ql_buf text = {0};
    enum ql_status status = inspection->settings->ddl != QL_SET_DDL_NONE ? put_ddl(inspection, place, &text, err) : QL_OK;
    if (status != QL_OK) {
        ql_buf_fini(&text);
        return status;
    }
    struct ql_json *root = ql_cli_document_new("inspect", damage);
    ql_json_set(root, "location", ql_json_new_text(inspection->name));
    ql_inspect_json(&inspection->file, root);
    if (inspection->report != NULL) {
        ql_json_set(root, "verification", ql_verify_json(inspection->report, &inspection->file));
    }
    if (text.len != 0) {
        ql_json_set(root, "ddl", ql_json_new_text(ql_buf_view(&text)));
    }
    ql_cli_document_print(root);
    ql_buf_fini(&text);
    inspection->is_told = true;
    return QL_OK;
}

static enum ql_status print_text(const struct inspection *inspection, const struct ql_destination *place, struct ql_err *err) {
    struct ql_buf text = {0};
    enum ql_status status = QL_OK;
    if (inspection->settings->ddl != QL_SET_DDL_NONE) {
        status = put_ddl(inspection, place, &text, err);
    } else {
        ql_cli_inspect_put_text(inspection->name, &inspection->file, inspection->settings->verbose, &text);
        if (inspection->report != NULL) {
            ql_cli_inspect_put_report(inspection->report, &inspection->file, &text);
        }
    }
    if (status == QL_OK) {
        (void)fwrite(text.ptr, 1, text.len, stdout);
    }
    ql_buf_fini(&text);
    return status;
}

static enum ql_status read_object(void *ctx, int64_t offset, void *ptr, size_t len, struct ql_err *err) {
    return ql_s3_object_read_at(ctx, offset, ptr, len, err);
}

static enum ql_status open_object(struct inspection *inspection, const struct ql_destination *place, struct ql_err *err) {
    inspection->s3 = ql_cli_s3_options(inspection->settings);
    QL_TRY(ql_cli_aws_init(&inspection->aws, inspection->settings, &inspection->s3, err));
    QL_TRY(ql_s3_check(&inspection->s3, place->bucket, err));
    QL_TRY(ql_http_new(&inspection->aws.http, &inspection->http, err));
    QL_TRY(ql_s3_client_new(inspection->http, &inspection->s3, &inspection->client, err));
    QL_TRY(ql_s3_object_open(inspection->client, place->bucket, place->path, &inspection->object, err));
    inspection->input = (struct ql_parquet_input){
        .size = ql_s3_object_size(inspection->object), .read_at = read_object, .ctx = inspection->object};
    return QL_OK;
}

static enum ql_status open_input(struct inspection *inspection, const struct ql_destination *place, struct ql_err *err) {
    if (place->kind == QL_STORE_S3) {
        return open_object(inspection, place, err);
    }
    QL_TRY(ql_file_input_open(&inspection->local, place->kind == QL_STORE_STDOUT ? QL_STR("-") : place->path,
                              inspection->settings->temp_dir, err));
    inspection->input = inspection->local.input;
    return QL_OK;
}

/* Looks, and leaves what was found in inspection. */
static enum ql_status look(struct inspection *inspection, const struct ql_destination *place, struct ql_err *err) {
    QL_TRY(open_input(inspection, place, err));
    QL_TRY(ql_parquet_file_read(&inspection->input, &inspection->file, err));
    if (!inspection->settings->verify) {
        return QL_OK;
    }
    struct ql_verify_report *report = ql_mem_zalloc(1, sizeof *report);
    enum ql_status status = ql_verify(&inspection->input, &inspection->file, &ql_cli_signal, report, err);
    if (status != QL_OK) {
        ql_mem_free(report);
        return status;
    }
    inspection->report = report;
    return QL_OK;
}

static enum ql_status run(struct inspection *inspection, struct ql_err *err) {
    const struct ql_settings *settings = inspection->settings;
    struct ql_destination place;
    if (settings->n_args != 1) {
        (void)QL_FAIL(err, QL_E_USAGE, settings->n_args == 0 ? "no file is named" : "more than one file is named");
        ql_err_hint(err, "queuelake inspect lake/day.parquet");
        return QL_E_USAGE;
    }
    inspection->name = settings->args[0];
    QL_TRY(ql_destination_parse(inspection->name, &place, err));
    if (place.kind == QL_STORE_S3 && (place.path.len == 0 || ql_str_has_suffix(place.path, "/"))) {
        (void)QL_FAIL(err, QL_E_USAGE, "'%.*s' names no object", QL_STR_ARG(inspection->name));
        ql_err_hint(err, "name one object: s3://bucket/key");
        return QL_E_USAGE;
    }
    enum ql_status status = look(inspection, &place, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "inspecting '%.*s'", QL_STR_ARG(inspection->name));
        return status;
    }
    struct ql_err damage = {0};
    bool is_damaged = inspection->report != NULL && inspection->report->n_problems != 0;
    if (is_damaged) {
        (void)ql_verify_fail(inspection->report, &inspection->file, &damage);
        ql_err_wrap(&damage, "verifying '%.*s'", QL_STR_ARG(inspection->name));
    }
    if (settings->json) {
        QL_TRY(print_json(inspection, &place, is_damaged ? &damage : NULL, err));
    } else {
        QL_TRY(print_text(inspection, &place, err));
    }
    if (is_damaged && err != NULL) {
        *err = damage;
    }
    return is_damaged ? damage.status : QL_OK;
}

int ql_cli_inspect(int argc, char **argv) {
    struct ql_settings settings;
    int code = ql_cli_load("inspect", argc, argv, &settings);
    if (code >= 0) {
        return code;
    }
    struct inspection inspection = {.settings = &settings};
    struct ql_err err = {0};
    enum ql_status status = run(&inspection, &err);
    if (status != QL_OK && settings.json && !inspection.is_told) {
        ql_cli_error_print_json("inspect", &err);
    } else if (status != QL_OK && !settings.json) {
        ql_cli_error_print(&err);
    }
    fini(&inspection);
    ql_settings_fini(&settings);
    return status == QL_OK ? 0 : ql_cli_exit_code(&err);
}
