#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>

// Holds docs/w3c-map.md to the W3C's interfaces on one side and to our headers on the other.
namespace {

constexpr std::array peer_connection_members = {
    // The interface, then its extensions: certificates, data, statistics, media, identity.
    "constructor",
    "createOffer",
    "createAnswer",
    "setLocalDescription",
    "localDescription",
    "currentLocalDescription",
    "pendingLocalDescription",
    "setRemoteDescription",
    "remoteDescription",
    "currentRemoteDescription",
    "pendingRemoteDescription",
    "addIceCandidate",
    "signalingState",
    "iceGatheringState",
    "iceConnectionState",
    "connectionState",
    "canTrickleIceCandidates",
    "restartIce",
    "getConfiguration",
    "setConfiguration",
    "close",
    "onnegotiationneeded",
    "onicecandidate",
    "onicecandidateerror",
    "onsignalingstatechange",
    "oniceconnectionstatechange",
    "onicegatheringstatechange",
    "onconnectionstatechange",
    "generateCertificate",
    "sctp",
    "createDataChannel",
    "ondatachannel",
    "getStats",
    "getSenders",
    "getReceivers",
    "getTransceivers",
    "addTrack",
    "removeTrack",
    "addTransceiver",
    "ontrack",
    "peerIdentity",
    "idpLoginUrl",
    "idpErrorInfo",
    "setIdentityProvider",
    "getIdentityAssertion"};
constexpr std::array data_channel_members = {"label",
                                             "ordered",
                                             "maxPacketLifeTime",
                                             "maxRetransmits",
                                             "protocol",
                                             "negotiated",
                                             "id",
                                             "priority",
                                             "readyState",
                                             "bufferedAmount",
                                             "bufferedAmountLowThreshold",
                                             "onopen",
                                             "onbufferedamountlow",
                                             "onerror",
                                             "onclosing",
                                             "onclose",
                                             "close",
                                             "onmessage",
                                             "binaryType",
                                             "send"};

constexpr std::array configuration_members = {"iceServers",    "iceTransportPolicy", "bundlePolicy",
                                              "rtcpMuxPolicy", "certificates",       "iceCandidatePoolSize"};
constexpr std::array ice_server_members = {"urls", "username", "credential"};
constexpr std::array data_channel_init_members = {
    "ordered", "maxPacketLifeTime", "maxRetransmits", "protocol", "negotiated", "id", "priority"};

constexpr std::array ice_error_event_members = {"address", "port", "url", "errorCode", "errorText"};
constexpr std::array peer_connection_stats_members = {"dataChannelsOpened", "dataChannelsClosed"};
constexpr std::array transport_stats_members = {"packetsSent",
                                                "packetsReceived",
                                                "bytesSent",
                                                "bytesReceived",
                                                "iceRole",
                                                "iceLocalUsernameFragment",
                                                "dtlsState",
                                                "iceState",
                                                "selectedCandidatePairId",
                                                "localCertificateId",
                                                "remoteCertificateId",
                                                "tlsVersion",
                                                "dtlsCipher",
                                                "dtlsRole",
                                                "srtpCipher",
                                                "selectedCandidatePairChanges",
                                                "ccfbMessagesSent",
                                                "ccfbMessagesReceived"};
constexpr std::array candidate_pair_stats_members = {"transportId",
                                                     "localCandidateId",
                                                     "remoteCandidateId",
                                                     "state",
                                                     "nominated",
                                                     "packetsSent",
                                                     "packetsReceived",
                                                     "bytesSent",
                                                     "bytesReceived",
                                                     "lastPacketSentTimestamp",
                                                     "lastPacketReceivedTimestamp",
                                                     "totalRoundTripTime",
                                                     "currentRoundTripTime",
                                                     "availableOutgoingBitrate",
                                                     "availableIncomingBitrate",
                                                     "requestsReceived",
                                                     "requestsSent",
                                                     "responsesReceived",
                                                     "responsesSent",
                                                     "consentRequestsSent",
                                                     "packetsDiscardedOnSend",
                                                     "bytesDiscardedOnSend"};
constexpr std::array candidate_stats_members = {
    "transportId",   "address",    "port",           "protocol",    "candidateType",    "priority", "url",
    "relayProtocol", "foundation", "relatedAddress", "relatedPort", "usernameFragment", "tcpType"};
constexpr std::array certificate_stats_members = {"fingerprint", "fingerprintAlgorithm", "base64Certificate",
                                                  "issuerCertificateId"};
constexpr std::array data_channel_stats_members = {
    "label",        "protocol",  "dataChannelIdentifier", "state",
    "messagesSent", "bytesSent", "messagesReceived",      "bytesReceived"};

std::string read(const std::string& path) {
  std::ifstream file{std::string{LINNET_SOURCE_DIR} + "/" + path};
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

/// What a header declares: its comments name members too, also those that are not there.
std::string without_comments(const std::string& text) { return std::regex_replace(text, std::regex{"//[^\n]*"}, ""); }

struct Row {
  std::string ours;
  std::string note;
};

std::map<std::string, Row> table(const std::string& interface) {
  std::map<std::string, Row> rows;
  std::istringstream map{read("docs/w3c-map.md")};
  const std::regex row{R"(\| (\w+) \| (?:`(\w+)` )?\| ?(.*?) ?\|)"};
  bool inside = false;
  for (std::string line; std::getline(map, line);) {
    if (line.starts_with("## ")) inside = line == "## " + interface;
    std::smatch m;
    if (inside && std::regex_match(line, m, row) && m[1] != "W3C") rows[m[1]] = {m[2], m[3]};
  }
  return rows;
}

std::string snake_case(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper) out += '_';
    out += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::string without_underscores(std::string name) {
  std::erase(name, '_');
  return name;
}

template <std::size_t N>
void expect_mapped(const std::string& interface, const std::string& header, const std::array<const char*, N>& members) {
  const auto rows = table(interface);
  const std::string text = without_comments(read("include/linnet/" + header));
  ASSERT_FALSE(text.empty()) << header;
  EXPECT_EQ(rows.size(), members.size());
  for (const std::string member : members) {
    const auto row = rows.find(member);
    ASSERT_NE(row, rows.end()) << interface << "." << member << " has no row";
    const auto& [ours, note] = row->second;
    if (ours.empty()) {
      EXPECT_FALSE(note.empty()) << member << " needs a reason for its absence";
      EXPECT_FALSE(std::regex_search(text, std::regex{R"(\b)" + snake_case(member) + R"(\()"}))
          << member << " is there";
      continue;
    }
    EXPECT_TRUE(std::regex_search(text, std::regex{R"(\b)" + ours + R"(\b)"})) << header << " lacks " << ours;
    if (member == "constructor") continue;
    if (member.starts_with("on"))
      EXPECT_EQ(without_underscores(ours), member);
    else
      EXPECT_EQ(ours, snake_case(member));
  }
}

TEST(W3cMembers, OfRtcPeerConnectionAreMapped) {
  expect_mapped("RTCPeerConnection", "peer_connection.hpp", peer_connection_members);
}

TEST(W3cMembers, OfTheDictionariesAreMapped) {
  expect_mapped("RTCConfiguration", "configuration.hpp", configuration_members);
  expect_mapped("RTCIceServer", "configuration.hpp", ice_server_members);
  expect_mapped("RTCDataChannelInit", "data_channel_init.hpp", data_channel_init_members);
}

TEST(W3cMembers, OfTheStatisticsAreMapped) {
  expect_mapped("RTCPeerConnectionStats", "stats.hpp", peer_connection_stats_members);
  expect_mapped("RTCTransportStats", "stats.hpp", transport_stats_members);
  expect_mapped("RTCIceCandidatePairStats", "stats.hpp", candidate_pair_stats_members);
  expect_mapped("RTCIceCandidateStats", "stats.hpp", candidate_stats_members);
  expect_mapped("RTCCertificateStats", "stats.hpp", certificate_stats_members);
  expect_mapped("RTCDataChannelStats", "stats.hpp", data_channel_stats_members);
  expect_mapped("RTCPeerConnectionIceErrorEvent", "peer_connection.hpp", ice_error_event_members);
}

TEST(W3cMembers, OfRtcDataChannelAreMapped) {
  expect_mapped("RTCDataChannel", "data_channel.hpp", data_channel_members);
}

}  // namespace
