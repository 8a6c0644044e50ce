#include "sim/metric.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Every value that the public SDKs name, in their order. */
const struct ql_sim_metric_row ql_sim_metric_rows[] = {
    {.name = "nAgentDeclined"},
    {.name = "nAlertExpired"},
    {.name = "nBlindTransferred"},
    {.name = "nBotInteractions"},
    {.name = "nCallbackAttempts"},
    {.name = "nCallbackOverSla"},
    {"nCallbackScheduled", QL_SIM_METRIC_COUNTER, QL_SIM_STAT_CALLBACK_SCHEDULED},
    {.name = "nCfcOffered"},
    {.name = "nCobrowseSessions"},
    {"nConnected", QL_SIM_METRIC_COUNTER, QL_SIM_STAT_CONNECTED},
    {.name = "nConsult"},
    {.name = "nConsultTransferred"},
    {"nConversations", QL_SIM_METRIC_COUNTER, QL_SIM_STAT_CONVERSATIONS},
    {.name = "nError"},
    {"nOffered", QL_SIM_METRIC_COUNTER, QL_SIM_STAT_OFFERED},
    {"nOutbound", QL_SIM_METRIC_COUNTER, QL_SIM_STAT_OUTBOUND},
    {.name = "nOutboundAbandoned"},
    {.name = "nOutboundAttempted"},
    {.name = "nOutboundConnected"},
    {"nOverSla", QL_SIM_METRIC_COUNTER, QL_SIM_STAT_OVER_SLA},
    {.name = "nStateTransitionError"},
    {.name = "nTakeover"},
    {"nTransferred", QL_SIM_METRIC_COUNTER, QL_SIM_STAT_TRANSFERRED},
    {.name = "oAudioMessageCount"},
    {"oCallbackServiceLevel", QL_SIM_METRIC_RATIO, QL_SIM_STAT_CALLBACK_SERVICE_LEVEL},
    {.name = "oExternalAudioMessageCount"},
    {.name = "oExternalMediaCount"},
    {.name = "oMediaCount"},
    {.name = "oMessageCount"},
    {.name = "oMessageSegmentCount"},
    {.name = "oMessageTurn"},
    {"oServiceLevel", QL_SIM_METRIC_RATIO, QL_SIM_STAT_SERVICE_LEVEL},
    {"oServiceTarget", QL_SIM_METRIC_TARGET, QL_SIM_STAT_SERVICE_LEVEL},
    {.name = "oSkillExpressionApplications"},
    {"tAbandon", QL_SIM_METRIC_TIMER, QL_SIM_STAT_ABANDON},
    {"tAcd", QL_SIM_METRIC_TIMER, QL_SIM_STAT_WAIT},
    {.name = "tActiveCallback"},
    {.name = "tActiveCallbackComplete"},
    {"tAcw", QL_SIM_METRIC_TIMER, QL_SIM_STAT_ACW},
    {.name = "tAgentResponseTime"},
    {.name = "tAgentVideoConnected"},
    {.name = "tAlert"},
    {"tAnswered", QL_SIM_METRIC_TIMER, QL_SIM_STAT_ANSWERED},
    {.name = "tAverageAgentResponseTime"},
    {.name = "tAverageCustomerResponseTime"},
    {.name = "tBarging"},
    {.name = "tCallbackAbandon"},
    {.name = "tCallbackConnect"},
    {.name = "tCallbackNotReached"},
    {.name = "tCallbackVirtualWait"},
    {.name = "tCfcAbandon"},
    {.name = "tCfcAcd"},
    {.name = "tCfcAnswered"},
    {.name = "tCfcFlowOut"},
    {.name = "tCoaching"},
    {.name = "tCoachingComplete"},
    {.name = "tConnected"},
    {.name = "tContacting"},
    {.name = "tDialing"},
    {.name = "tFirstConnect"},
    {.name = "tFirstDial"},
    {.name = "tFirstEngagement"},
    {.name = "tFirstResponse"},
    {"tFlowOut", QL_SIM_METRIC_TIMER, QL_SIM_STAT_FLOW_OUT},
    {"tHandle", QL_SIM_METRIC_TIMER, QL_SIM_STAT_HANDLE},
    {"tHeld", QL_SIM_METRIC_TIMER, QL_SIM_STAT_HELD},
    {"tHeldComplete", QL_SIM_METRIC_TIMER, QL_SIM_STAT_HELD},
    {.name = "tIvr"},
    {.name = "tMonitoring"},
    {.name = "tMonitoringComplete"},
    {.name = "tNotResponding"},
    {.name = "tPark"},
    {.name = "tParkComplete"},
    {.name = "tScreenMonitoring"},
    {"tShortAbandon", QL_SIM_METRIC_TIMER, QL_SIM_STAT_SHORT_ABANDON},
    {.name = "tSnippetRecord"},
    {"tTalk", QL_SIM_METRIC_TIMER, QL_SIM_STAT_TALK},
    {"tTalkComplete", QL_SIM_METRIC_TIMER, QL_SIM_STAT_TALK},
    {.name = "tTransmitting"},
    {.name = "tUserResponseTime"},
    {.name = "tVoicemail"},
    {"tWait", QL_SIM_METRIC_TIMER, QL_SIM_STAT_WAIT},
};
const size_t ql_sim_n_metric_rows = COUNT_OF(ql_sim_metric_rows);

const struct ql_sim_metric_row *ql_sim_metric_find(struct ql_str name) {
    for (size_t i = 0; i < ql_sim_n_metric_rows; i++) {
        if (ql_str_eq(name, ql_str_from(ql_sim_metric_rows[i].name))) {
            return &ql_sim_metric_rows[i];
        }
    }
    return NULL;
}

static void put_item(struct ql_buf *out, bool is_first, const char *name) {
    ql_buf_printf(out, "%s%s", is_first ? "" : ", ", name);
}

void ql_sim_metric_list(struct ql_buf *out) {
    for (size_t i = 0; i < ql_sim_n_metric_rows; i++) {
        put_item(out, i == 0, ql_sim_metric_rows[i].name);
    }
}

static const char *const DIMENSIONS[QL_SIM_BY_OTHER] = {
    [QL_SIM_BY_QUEUE] = "queueId",       [QL_SIM_BY_MEDIA] = "mediaType",
    [QL_SIM_BY_DIRECTION] = "direction", [QL_SIM_BY_ORIGINATING_DIRECTION] = "originatingDirection",
    [QL_SIM_BY_DIVISION] = "divisionId", [QL_SIM_BY_MESSAGE_TYPE] = "messageType",
};
static const char *const OTHERS[] = {
    "activeRouting",
    "activeSkillId",
    "addressFrom",
    "addressTo",
    "agentAssistantId",
    "agentBullseyeRing",
    "agentOwned",
    "agentRank",
    "agentScore",
    "ani",
    "assignerId",
    "authenticated",
    "canonicalExternalContactId",
    "conversationId",
    "conversationInitiator",
    "convertedFrom",
    "convertedTo",
    "customerParticipation",
    "deliveryStatus",
    "destinationAddress",
    "disconnectType",
    "dnis",
    "edgeId",
    "eligibleAgentCount",
    "errorCode",
    "extendedDeliveryStatus",
    "externalContactId",
    "externalMediaCount",
    "externalOrganizationId",
    "externalTag",
    "firstQueue",
    "flaggedReason",
    "flowInType",
    "flowOutType",
    "groupId",
    "interactionType",
    "journeyActionId",
    "journeyActionMapId",
    "journeyActionMapVersion",
    "journeyCustomerId",
    "journeyCustomerIdType",
    "journeyCustomerSessionId",
    "journeyCustomerSessionIdType",
    "knowledgeBaseId",
    "mediaCount",
    "originatingSocialMediaPublic",
    "outboundCampaignId",
    "outboundContactId",
    "outboundContactListId",
    "participantName",
    "peerId",
    "proposedAgentId",
    "provider",
    "purpose",
    "remote",
    "removedSkillId",
    "requestedLanguageId",
    "requestedRouting",
    "requestedRoutingSkillId",
    "roomId",
    "routingPriority",
    "routingRing",
    "routingRule",
    "routingRuleType",
    "scoredAgentId",
    "selectedAgentId",
    "selectedAgentRank",
    "selfServed",
    "sessionDnis",
    "sessionId",
    "skillExpressionId",
    "stationId",
    "teamId",
    "usedRouting",
    "userId",
    "videoPresent",
    "waitingInteractionCount",
    "wrapUpCode",
};

bool ql_sim_dimension_find(struct ql_str name, enum ql_sim_dimension *dimension) {
    for (size_t i = 0; i < COUNT_OF(DIMENSIONS); i++) {
        if (ql_str_eq(name, ql_str_from(DIMENSIONS[i]))) {
            *dimension = (enum ql_sim_dimension)i;
            return true;
        }
    }
    *dimension = QL_SIM_BY_OTHER;
    for (size_t i = 0; i < COUNT_OF(OTHERS); i++) {
        if (ql_str_eq(name, ql_str_from(OTHERS[i]))) {
            return true;
        }
    }
    return false;
}

void ql_sim_dimension_list(struct ql_buf *out) {
    for (size_t i = 0; i < COUNT_OF(DIMENSIONS); i++) {
        put_item(out, i == 0, DIMENSIONS[i]);
    }
    for (size_t i = 0; i < COUNT_OF(OTHERS); i++) {
        put_item(out, false, OTHERS[i]);
    }
}

const char *ql_sim_dimension_name(enum ql_sim_dimension dimension) {
    return DIMENSIONS[dimension];
}
