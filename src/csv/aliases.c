/*
 * Names that sources use in their headers, as data: normalised name -> canonical name and scale.
 *
 * Names that normalisation alone makes canonical (timeInterval, queue.id, callsOffered ...) need no line here; those of the
 * exports contract are listed all the same where they are spelled otherwise. The columns of a view export (queue performance)
 * come in milliseconds and ratios 0 to 1, as genesys-api documents them: a scale here is a fact about that column, never a
 * guess at its values. Headers follow the locale of the request: English, then Spanish, German and French (with letters beyond
 * ASCII as they are, because only ASCII is lowered). Lines are sorted by the name's bytes, for the binary search.
 */
#include "csv/csv_internal.h"

/* QL_STR is no constant initialiser. */
#define TEXT(literal) \
    { .ptr = (literal), .len = sizeof(literal) - 1 }

static const struct ql_csv_name NAMES[] = {
    {TEXT("%_abandonn\xC3\xA9"
          "es"),
     TEXT("abandon_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("%_abgebrochen"), TEXT("abandon_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("%_beantwortet"), TEXT("answer_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("%_cible_du_niveau_de_service"), TEXT("service_level_target_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("%_de_abandonadas"), TEXT("abandon_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("%_de_contestadas"), TEXT("answer_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("%_de_nivel_de_servicio"), TEXT("service_level_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("%_niveau_de_service"), TEXT("service_level_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("%_objetivo_de_nivel_de_servicio"), TEXT("service_level_target_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("%_r\xC3\xA9pondues"), TEXT("answer_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("abandon"), TEXT("calls_abandoned"), 0},
    {TEXT("abandon_%"), TEXT("abandon_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("abandonadas"), TEXT("calls_abandoned"), 0},
    {TEXT("abandoned"), TEXT("calls_abandoned"), 0},
    {TEXT("abandonn\xC3\xA9"
          "es"),
     TEXT("calls_abandoned"), 0},
    {TEXT("abandonos_cortos"), TEXT("calls_short_abandoned"), 0},
    {TEXT("abandons_courts"), TEXT("calls_short_abandoned"), 0},
    {TEXT("abgebrochen"), TEXT("calls_abandoned"), 0},
    {TEXT("acw_medio"), TEXT("avg_after_call_work_seconds"), QL_CSV_MS_TO_S},
    {TEXT("acw_moy_"), TEXT("avg_after_call_work_seconds"), QL_CSV_MS_TO_S},
    {TEXT("angeboten"), TEXT("calls_offered"), 0},
    {TEXT("answer"), TEXT("calls_answered"), 0},
    {TEXT("answer_%"), TEXT("answer_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("answered"), TEXT("calls_answered"), 0},
    {TEXT("asa"), TEXT("avg_speed_of_answer_seconds"), QL_CSV_MS_TO_S},
    {TEXT("attente_moy_"), TEXT("avg_wait_seconds"), QL_CSV_MS_TO_S},
    {TEXT("avg_acw"), TEXT("avg_after_call_work_seconds"), QL_CSV_MS_TO_S},
    {TEXT("avg_handle"), TEXT("avg_handle_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("avg_hold"), TEXT("avg_hold_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("avg_talk"), TEXT("avg_talk_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("avg_wait"), TEXT("avg_wait_seconds"), QL_CSV_MS_TO_S},
    {TEXT("beantwortet"), TEXT("calls_answered"), 0},
    {TEXT("contestadas"), TEXT("calls_answered"), 0},
    {TEXT("conversaci\xC3\xB3n_media"), TEXT("avg_talk_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("conversation_moy_"), TEXT("avg_talk_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("durchschn_acw"), TEXT("avg_after_call_work_seconds"), QL_CSV_MS_TO_S},
    {TEXT("durchschn_bearbeitung"), TEXT("avg_handle_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("durchschn_gespr\xC3\xA4"
          "ch"),
     TEXT("avg_talk_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("durchschn_halten"), TEXT("avg_hold_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("durchschn_wartezeit"), TEXT("avg_wait_seconds"), QL_CSV_MS_TO_S},
    {TEXT("d\xC3\xA9"
          "but_de_l'intervalle"),
     TEXT("interval_start"), 0},
    {TEXT("en_garde"), TEXT("calls_held"), 0},
    {TEXT("espera_media"), TEXT("avg_wait_seconds"), QL_CSV_MS_TO_S},
    {TEXT("exportaci\xC3\xB3n_completa_finalizada"), TEXT("full_export_completed"), 0},
    {TEXT("exportation_compl\xC3\xA8te_termin\xC3\xA9"
          "e"),
     TEXT("full_export_completed"), 0},
    {TEXT("fin_de_l'intervalle"), TEXT("interval_end"), 0},
    {TEXT("fin_del_intervalo"), TEXT("interval_end"), 0},
    {TEXT("flow_out"), TEXT("calls_flowed_out"), 0},
    {TEXT("garde_moy_"), TEXT("avg_hold_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("gehalten"), TEXT("calls_held"), 0},
    {TEXT("gesti\xC3\xB3n_media"), TEXT("avg_handle_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("hold"), TEXT("calls_held"), 0},
    {TEXT("id_de_cola"), TEXT("queue_id"), 0},
    {TEXT("id_de_file_d'attente"), TEXT("queue_id"), 0},
    {TEXT("inicio_del_intervalo"), TEXT("interval_start"), 0},
    {TEXT("interval"), TEXT("time_interval"), 0},
    {TEXT("intervall_vollst\xC3\xA4ndig"), TEXT("interval_complete"), 0},
    {TEXT("intervallbeginn"), TEXT("interval_start"), 0},
    {TEXT("intervalle_complet"), TEXT("interval_complete"), 0},
    {TEXT("intervallende"), TEXT("interval_end"), 0},
    {TEXT("intervalo_completo"), TEXT("interval_complete"), 0},
    {TEXT("kurz_abgebrochen"), TEXT("calls_short_abandoned"), 0},
    {TEXT("medientyp"), TEXT("media_type"), 0},
    {TEXT("nom_de_file_d'attente"), TEXT("queue_name"), 0},
    {TEXT("nombre_de_cola"), TEXT("queue_name"), 0},
    {TEXT("offer"), TEXT("calls_offered"), 0},
    {TEXT("offered"), TEXT("calls_offered"), 0},
    {TEXT("offertes"), TEXT("calls_offered"), 0},
    {TEXT("ofrecidas"), TEXT("calls_offered"), 0},
    {TEXT("retenci\xC3\xB3n_media"), TEXT("avg_hold_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("retenidas"), TEXT("calls_held"), 0},
    {TEXT("r\xC3\xA9pondues"), TEXT("calls_answered"), 0},
    {TEXT("salida_de_flujo"), TEXT("calls_flowed_out"), 0},
    {TEXT("service_level_%"), TEXT("service_level_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("service_level_target_%"), TEXT("service_level_target_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("servicelevel_%"), TEXT("service_level_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("servicelevel_ziel_%"), TEXT("service_level_target_percent"), QL_CSV_RATIO_TO_PERCENT},
    {TEXT("short_abandon"), TEXT("calls_short_abandoned"), 0},
    {TEXT("sortie_de_flux"), TEXT("calls_flowed_out"), 0},
    {TEXT("tipo_de_medio"), TEXT("media_type"), 0},
    {TEXT("traitement_moy_"), TEXT("avg_handle_time_seconds"), QL_CSV_MS_TO_S},
    {TEXT("transfer"), TEXT("calls_transferred"), 0},
    {TEXT("transferidas"), TEXT("calls_transferred"), 0},
    {TEXT("transf\xC3\xA9r\xC3\xA9"
          "es"),
     TEXT("calls_transferred"), 0},
    {TEXT("type_de_m\xC3\xA9"
          "dia"),
     TEXT("media_type"), 0},
    {TEXT("vollst\xC3\xA4ndiger_export_abgeschlossen"), TEXT("full_export_completed"), 0},
    {TEXT("warteschlangen_id"), TEXT("queue_id"), 0},
    {TEXT("warteschlangenname"), TEXT("queue_name"), 0},
    {TEXT("weitergeleitet"), TEXT("calls_transferred"), 0},
};

const struct ql_csv_name *ql_csv_alias_find(struct ql_str from) {
    size_t low = 0;
    size_t high = sizeof NAMES / sizeof NAMES[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = ql_str_cmp(NAMES[middle].from, from);
        if (order == 0) {
            return &NAMES[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
