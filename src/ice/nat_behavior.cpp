#include "ice/nat_behavior.hpp"

#include <algorithm>
#include <utility>

#include "stun/message_builder.hpp"

namespace linnet {

std::string_view to_string(NatMapping mapping) noexcept {
  switch (mapping) {
    case NatMapping::EndpointIndependent: return "endpoint-independent";
    case NatMapping::AddressDependent: return "address-dependent";
    case NatMapping::AddressAndPortDependent: return "address-and-port-dependent";
    case NatMapping::Dependent: return "dependent";
    case NatMapping::Unknown: break;
  }
  return "unknown";
}

std::string_view to_string(NatFiltering filtering) noexcept {
  switch (filtering) {
    case NatFiltering::EndpointIndependent: return "endpoint-independent";
    case NatFiltering::AddressDependent: return "address-dependent";
    case NatFiltering::AddressAndPortDependent: return "address-and-port-dependent";
    case NatFiltering::Unknown: break;
  }
  return "unknown";
}

}  // namespace linnet

namespace linnet::ice {

using stun::AttributeType;
using stun::Class;
using stun::MessageView;
using stun::Method;

NatBehavior::NatBehavior(Options options, Generator& generator) : options_(std::move(options)), generator_(generator) {}

void NatBehavior::start(TimePoint now, const Endpoint& first, const Endpoint& second) {
  advance(now);
  if (state_ != State::New) return;
  state_ = State::Running;
  first_ = first;
  second_ = second;
  begin(Test::Reach, first_, options_.server);
  begin(Test::ReachSecond, second_, options_.server);
}

void NatBehavior::close(TimePoint now) {
  advance(now);
  state_ = State::Done;
  due_.clear();
  events_.clear();
}

void NatBehavior::begin(Test test, const Endpoint& from, const Endpoint& to, std::uint32_t change) {
  trials_.push_back({.test = test,
                     .path = {.local = from, .remote = to},
                     .id = stun::TransactionId::random(generator_),
                     .change = change,
                     .next = now_});
  handle_timeout(now_);
}

void NatBehavior::handle_timeout(TimePoint now) {
  advance(now);
  if (state_ != State::Running) return;
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    Trial& trial = trials_[i];
    if (trial.over || trial.next > now_) continue;
    if (trial.sends == options_.sends) {
      trial.over = true;
      continue;
    }
    if (trial.sends++ == 0) trial.first_sent = now_;
    trial.next = now_ + (trial.sends == options_.sends ? options_.last_wait : options_.interval);
    if (std::ranges::find(due_, i) == due_.end()) due_.push_back(i);
  }
  finish_when_over();
}

TimePoint NatBehavior::next_timeout() const noexcept {
  TimePoint next = never;
  if (state_ != State::Running) return next;
  for (const Trial& trial : trials_)
    if (!trial.over) next = std::min(next, trial.next);
  return next;
}

Progress NatBehavior::poll_transmit(TimePoint now, DatagramBatch& batch) {
  advance(now);
  constexpr std::size_t largest = 128;
  for (; !due_.empty(); due_.pop_front()) {
    const Trial& trial = trials_[due_.front()];
    if (trial.over) continue;
    const auto out = batch.begin(trial.path, Ecn::NotEct, largest);
    if (out.empty()) return Progress::More;
    stun::MessageBuilder message{out, Class::Request, Method::Binding, trial.id};
    if (trial.change != 0) message.u32(AttributeType::ChangeRequest, trial.change);
    batch.commit(message.fingerprint().finish());
  }
  return Progress::Done;
}

std::optional<NatBehavior::Event> NatBehavior::poll_event() {
  if (events_.empty()) return std::nullopt;
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

void NatBehavior::handle_datagram(const Datagram& datagram) {
  advance(datagram.at);
  if (state_ != State::Running) return;
  const Endpoint& local = datagram.path.local;
  const auto message = MessageView::parse(datagram.bytes);
  if (!message || message->method() != Method::Binding || (local != first_ && local != second_)) return;
  const auto found = std::ranges::find(trials_, message->transaction_id(), &Trial::id);
  if (found == trials_.end() || found->over) return;
  if (message->message_class() == Class::Request) {
    // Our own one: it came back by the NAT.
    const bool hairpin = found->test == Test::Hairpin || found->test == Test::HairpinBackwards;
    if (!hairpin || local == found->path.local) return;
    found->arrived = true;
    for (Trial& trial : trials_)
      if (trial.test == Test::Hairpin || trial.test == Test::HairpinBackwards) trial.over = true;
  } else if (local == found->path.local && message->message_class() != Class::Indication) {
    answered(*found, datagram.path.remote, *message);
  }
  finish_when_over();
}

void NatBehavior::answered(Trial& trial, const Endpoint& from, const MessageView& message) {
  const Test test = trial.test;
  if (test == Test::Hairpin || test == Test::HairpinBackwards) return;
  // Nobody but the server answers: from where it was asked to, or, when it knows no better, from where it was asked.
  const Endpoint& asked = trial.path.remote;
  const auto other = other_address();
  const bool from_both = other && from == *other;
  const bool from_port = from.address == asked.address && from.port != asked.port;
  const bool expected = test == Test::AnswerFromBoth ? from_both : test == Test::AnswerFromPort && from_port;
  if (from != asked && !expected) return;
  if (message.message_class() == Class::Success && !message.mapped_address()) return;

  trial.over = true;
  trial.elsewhere = expected;
  if (trial.sends == 1) trial.round_trip = now_ - trial.first_sent;
  if (message.message_class() == Class::Success) {
    trial.mapped = message.mapped_address();
    trial.other = message.address(AttributeType::OtherAddress);
  } else {
    const auto error = message.error_code();
    trial.error_code = error ? error->code : std::uint16_t{500};
    if (error) trial.error_text = error->reason.substr(0, 128);
  }
  // The vector may move from here on.
  if (test == Test::Reach) reached();
  if (test == Test::Reach || test == Test::ReachSecond) try_hairpin();
}

bool NatBehavior::is_plausible(const Endpoint& endpoint) const noexcept {
  // A server that lies is not to make us speak to ourselves or to a whole network.
  const IpAddress& address = endpoint.address;
  return endpoint.port != 0 && !address.is_unspecified() && !address.is_multicast() &&
         address.family() == options_.server.address.family() &&
         address.is_loopback() == options_.server.address.is_loopback();
}

std::optional<Endpoint> NatBehavior::other_address() const noexcept {
  const Trial* const reach = find(Test::Reach);
  if (!reach || !reach->other || !is_plausible(*reach->other)) return std::nullopt;
  const auto& other = *reach->other;
  // RFC 5780 section 7.4: both differ.
  if (other.address == options_.server.address || other.port == options_.server.port) return std::nullopt;
  return other;
}

void NatBehavior::reached() {
  if (!seen(Test::Reach)) return;
  if (const auto other = other_address()) {
    begin(Test::OtherAddress, first_, {other->address, options_.server.port});
    begin(Test::OtherBoth, first_, *other);
    begin(Test::AnswerFromBoth, second_, options_.server, stun::change_address | stun::change_port);
  } else {
    const std::size_t count = std::min(options_.others.size(), options_.max_others);
    for (std::size_t i = 0; i < count; ++i)
      if (const auto& one = options_.others[i]; one != options_.server && is_plausible(one))
        begin(Test::Compare, first_, one);
  }
  begin(Test::AnswerFromPort, second_, options_.server, stun::change_port);
}

void NatBehavior::try_hairpin() {
  const auto first = seen(Test::Reach);
  const auto second = seen(Test::ReachSecond);
  if (!first || !second || *first == first_ || find(Test::Hairpin)) return;
  if (!is_plausible(*first) || !is_plausible(*second)) return;
  begin(Test::Hairpin, first_, *second);
  begin(Test::HairpinBackwards, second_, *first);
}

void NatBehavior::finish_when_over() {
  if (state_ != State::Running || !std::ranges::all_of(trials_, &Trial::over)) return;
  state_ = State::Done;
  due_.clear();
  events_.emplace_back(Done{});
}

const NatBehavior::Trial* NatBehavior::find(Test test) const noexcept {
  const auto found = std::ranges::find(trials_, test, &Trial::test);
  return found == trials_.end() ? nullptr : &*found;
}

std::optional<Endpoint> NatBehavior::seen(Test test) const noexcept {
  const Trial* const trial = find(test);
  return trial ? trial->mapped : std::nullopt;
}

NatBehavior::Result NatBehavior::result() const {
  Result out;
  const Trial* const reach = find(Test::Reach);
  if (!reach) return out;
  const Trial* const second = find(Test::ReachSecond);
  out.round_trip = reach->round_trip ? reach->round_trip : second->round_trip;
  out.mapped = reach->mapped;
  out.error_code = reach->error_code;
  out.error_text = reach->error_text;
  if (!out.mapped) return out;
  out.translated = *out.mapped != first_;
  out.discovers = other_address().has_value();
  judge_mapping(out);
  judge_filtering(out);
  if (const Trial* const hairpin = find(Test::Hairpin)) {
    const bool arrived = hairpin->arrived || find(Test::HairpinBackwards)->arrived;
    if (arrived || hairpin->over) out.hairpins = arrived;
  }
  return out;
}

void NatBehavior::judge_mapping(Result& out) const {
  // RFC 5780 section 4.3
  const auto known = [&](NatMapping mapping) {
    out.mapping = mapping;
    out.mapping_unknown = Unknown::Nothing;
  };
  if (!out.translated) return known(NatMapping::EndpointIndependent);
  if (!out.discovers) return judge_mapping_by_others(out);
  const auto by_address = seen(Test::OtherAddress);
  const auto by_both = seen(Test::OtherBoth);
  if (by_address == out.mapped || (!by_address && by_both == out.mapped)) return known(NatMapping::EndpointIndependent);
  if (by_address && by_both)
    return known(by_address == by_both ? NatMapping::AddressDependent : NatMapping::AddressAndPortDependent);
  if (by_address || by_both) return known(NatMapping::Dependent);
  out.mapping_unknown = Unknown::OtherSilent;
}

void NatBehavior::judge_mapping_by_others(Result& out) const {
  bool asked = false;
  bool differs = false;
  for (const Trial& trial : trials_) {
    if (trial.test != Test::Compare) continue;
    asked = true;
    if (!trial.mapped) continue;
    differs = differs || *trial.mapped != *out.mapped;
    // The same address with another port tells nothing of what depends on the address.
    if (*trial.mapped != *out.mapped || trial.path.remote.address != options_.server.address) ++out.compared;
  }
  if (out.compared != 0) {
    out.mapping = differs ? NatMapping::Dependent : NatMapping::EndpointIndependent;
    out.mapping_unknown = Unknown::Nothing;
  } else {
    out.mapping_unknown = asked ? Unknown::OtherSilent : Unknown::ServerCannot;
  }
}

void NatBehavior::judge_filtering(Result& out) const {
  // RFC 5780 section 4.4
  const auto known = [&](NatFiltering filtering) {
    out.filtering = filtering;
    out.filtering_unknown = Unknown::Nothing;
  };
  const Trial* const both = find(Test::AnswerFromBoth);
  const Trial* const port = find(Test::AnswerFromPort);
  if (both && both->mapped && both->elsewhere) return known(NatFiltering::EndpointIndependent);
  if (port && port->mapped && port->elsewhere) return known(NatFiltering::AddressDependent);
  const auto wrong = [](const Trial* trial) { return trial && trial->mapped && !trial->elsewhere; };
  const auto refused = [](const Trial* trial) { return trial && trial->error_code != 0; };
  if (refused(both) || refused(port) || !out.discovers) {
    out.filtering_unknown = Unknown::ServerCannot;
  } else if (wrong(both) || wrong(port)) {
    out.filtering_unknown = Unknown::AnswersWrongly;
  } else if (!seen(Test::OtherBoth)) {
    // Perhaps nothing is filtered, and that address is just not there.
    out.filtering_unknown = Unknown::OtherSilent;
  } else if (seen(Test::ReachSecond) && both->over && port->over) {
    known(NatFiltering::AddressAndPortDependent);
  }
}

}  // namespace linnet::ice
