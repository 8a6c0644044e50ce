#include "sim/report_columns.h"

#include "sim/calendar.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define STAT(name) QL_SIM_STAT_##name

/* The English headers are those of real files; the others say the same in words of the product. */
const struct ql_sim_column ql_sim_columns[] = {
    {NULL,
     {"Full Export Completed", "Exportaci\u00f3n completa finalizada", "Vollst\u00e4ndiger Export abgeschlossen",
      "Exportation compl\u00e8te termin\u00e9e"},
     QL_SIM_COLUMN_FULL_EXPORT,
     0,
     0,
     false},
    {NULL,
     {"Partial Result Timestamp", "Marca de tiempo del resultado parcial", "Zeitstempel des Teilergebnisses",
      "Horodatage du r\u00e9sultat partiel"},
     QL_SIM_COLUMN_PARTIAL_STAMP,
     0,
     0,
     false},
    {NULL,
     {"Interval Start", "Inicio del intervalo", "Intervallbeginn", "D\u00e9but de l'intervalle"},
     QL_SIM_COLUMN_START,
     0,
     0,
     false},
    {NULL, {"Interval End", "Fin del intervalo", "Intervallende", "Fin de l'intervalle"}, QL_SIM_COLUMN_END, 0, 0, false},
    {NULL,
     {"Interval Complete", "Intervalo completo", "Intervall vollst\u00e4ndig", "Intervalle complet"},
     QL_SIM_COLUMN_COMPLETE,
     0,
     0,
     false},
    {NULL, {"Filters", "Filtros", "Filter", "Filtres"}, QL_SIM_COLUMN_FILTERS, 0, 0, false},
    {NULL, {"Media Type", "Tipo de medio", "Medientyp", "Type de m\u00e9dia"}, QL_SIM_COLUMN_MEDIA, 0, 0, false},
    {NULL, {"Queue Id", "Id. de cola", "Warteschlangen-ID", "ID de file d'attente"}, QL_SIM_COLUMN_QUEUE_ID, 0, 0, false},
    {NULL,
     {"Queue Name", "Nombre de cola", "Warteschlangenname", "Nom de file d'attente"},
     QL_SIM_COLUMN_QUEUE_NAME,
     0,
     0,
     false},
    {"Offer", {"Offer", "Ofrecidas", "Angeboten", "Offertes"}, QL_SIM_COLUMN_COUNT, STAT(OFFERED), 0, false},
    {"Answer", {"Answer", "Contestadas", "Beantwortet", "R\u00e9pondues"}, QL_SIM_COLUMN_COUNT, STAT(ANSWERED), 0, false},
    {"AnswerPercent",
     {"Answer %", "% de contestadas", "% beantwortet", "% r\u00e9pondues"},
     QL_SIM_COLUMN_RATE,
     STAT(ANSWERED),
     STAT(OFFERED),
     false},
    {"Abandon", {"Abandon", "Abandonadas", "Abgebrochen", "Abandonn\u00e9es"}, QL_SIM_COLUMN_COUNT, STAT(ABANDON), 0, false},
    {"AbandonPercent",
     {"Abandon %", "% de abandonadas", "% abgebrochen", "% abandonn\u00e9es"},
     QL_SIM_COLUMN_RATE,
     STAT(ABANDON),
     STAT(OFFERED),
     false},
    {"ASA", {"ASA", "ASA", "ASA", "ASA"}, QL_SIM_COLUMN_MEAN, STAT(ANSWERED), 0, false},
    {"ServiceLevelPercent",
     {"Service Level %", "% de nivel de servicio", "Servicelevel %", "% niveau de service"},
     QL_SIM_COLUMN_LEVEL,
     STAT(SERVICE_LEVEL),
     0,
     false},
    {"ServiceLevelTargetPercent",
     {"Service Level Target %", "% objetivo de nivel de servicio", "Servicelevel-Ziel %", "% cible du niveau de service"},
     QL_SIM_COLUMN_TARGET,
     STAT(SERVICE_LEVEL),
     0,
     false},
    {"AvgWait", {"Avg Wait", "Espera media", "Durchschn. Wartezeit", "Attente moy."}, QL_SIM_COLUMN_MEAN, STAT(WAIT), 0, false},
    {"AvgHandle",
     {"Avg Handle", "Gesti\u00f3n media", "Durchschn. Bearbeitung", "Traitement moy."},
     QL_SIM_COLUMN_MEAN,
     STAT(HANDLE),
     0,
     false},
    {"AvgTalk",
     {"Avg Talk", "Conversaci\u00f3n media", "Durchschn. Gespr\u00e4ch", "Conversation moy."},
     QL_SIM_COLUMN_MEAN,
     STAT(TALK),
     0,
     false},
    {"AvgHold",
     {"Avg Hold", "Retenci\u00f3n media", "Durchschn. Halten", "Garde moy."},
     QL_SIM_COLUMN_MEAN,
     STAT(HELD),
     0,
     false},
    {"AvgACW", {"Avg ACW", "ACW medio", "Durchschn. ACW", "ACW moy."}, QL_SIM_COLUMN_MEAN, STAT(ACW), 0, false},
    {"Hold", {"Hold", "Retenidas", "Gehalten", "En garde"}, QL_SIM_COLUMN_COUNT, STAT(HELD), 0, false},
    {"Transfer",
     {"Transfer", "Transferidas", "Weitergeleitet", "Transf\u00e9r\u00e9es"},
     QL_SIM_COLUMN_COUNT,
     STAT(TRANSFERRED),
     0,
     false},
    {"ShortAbandon",
     {"Short Abandon", "Abandonos cortos", "Kurz abgebrochen", "Abandons courts"},
     QL_SIM_COLUMN_COUNT,
     STAT(SHORT_ABANDON),
     0,
     false},
    {"FlowOut", {"Flow-Out", "Salida de flujo", "Flow-Out", "Sortie de flux"}, QL_SIM_COLUMN_COUNT, STAT(FLOW_OUT), 0, true},
    {"Handle", {"Handle", "Gestionadas", "Bearbeitet", "Trait\u00e9es"}, QL_SIM_COLUMN_COUNT, STAT(HANDLE), 0, true},
    {"TotalHandle",
     {"Total Handle", "Gesti\u00f3n total", "Bearbeitung gesamt", "Traitement total"},
     QL_SIM_COLUMN_TOTAL,
     STAT(HANDLE),
     0,
     true},
};
const size_t ql_sim_n_columns = COUNT_OF(ql_sim_columns);

const struct ql_sim_column *ql_sim_column_find(struct ql_str id) {
    for (size_t i = 0; i < ql_sim_n_columns; i++) {
        if (ql_sim_columns[i].id != NULL && ql_str_eq(id, ql_str_from(ql_sim_columns[i].id))) {
            return &ql_sim_columns[i];
        }
    }
    return NULL;
}

static const struct ql_sim_locale LOCALES[] = {
    {"en-us", QL_SIM_EN, "M/D/YY h:mm a"}, {"en-gb", QL_SIM_EN, "DD/MM/YYYY HH:mm"}, {"es", QL_SIM_ES, "D/M/YY H:mm"},
    {"de", QL_SIM_DE, "DD.MM.YY HH:mm"},   {"fr", QL_SIM_FR, "DD/MM/YYYY HH:mm"},
};

const struct ql_sim_locale *ql_sim_locale_find(const char *name) {
    char text[8] = "";
    for (size_t i = 0; i + 1 < sizeof text && name[i] != '\0'; i++) {
        text[i] = name[i] == '_' ? '-' : name[i];
    }
    for (size_t i = 0; i < COUNT_OF(LOCALES) && strlen(name) < sizeof text; i++) {
        struct ql_str region;
        struct ql_str language = ql_str_split(ql_str_from(text), '-', &region);
        struct ql_str known = ql_str_from(LOCALES[i].name);
        if (ql_str_eq_nocase(ql_str_from(text), known) || ql_str_eq_nocase(language, known)) {
            return &LOCALES[i];
        }
    }
    return ql_str_eq_nocase(ql_str_from(text), QL_STR("en")) ? &LOCALES[0] : NULL;
}

/* How often the letter stands there. */
static size_t run_length(const char *pattern) {
    size_t n = 1;
    while (pattern[n] == pattern[0]) {
        n++;
    }
    return n;
}

void ql_sim_put_date(struct ql_buf *out, const char *pattern, int64_t civil_ms) {
    struct ql_sim_civil t = ql_sim_civil_split(civil_ms);
    while (*pattern != '\0') {
        size_t n = run_length(pattern);
        int width = (int)n;
        switch (*pattern) {
        case 'M':
            ql_buf_printf(out, "%0*d", width, t.month);
            break;
        case 'D':
            ql_buf_printf(out, "%0*d", width, t.day);
            break;
        case 'Y':
            ql_buf_printf(out, "%0*d", width, n == 2 ? t.year % 100 : t.year);
            break;
        case 'h':
            ql_buf_printf(out, "%0*d", width, t.hour % 12 == 0 ? 12 : t.hour % 12);
            break;
        case 'H':
            ql_buf_printf(out, "%0*d", width, t.hour);
            break;
        case 'm':
            ql_buf_printf(out, "%0*d", width, t.minute);
            break;
        case 'a':
            ql_buf_puts(out, t.hour < 12 ? "AM" : "PM");
            break;
        default:
            ql_buf_put(out, pattern, n);
            break;
        }
        pattern += n;
    }
}
