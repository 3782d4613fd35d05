#include "bench/socket_link.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

namespace linnet::app::bench {

namespace asio = boost::asio;

struct SocketLink::State : std::enable_shared_from_this<State> {
  State(const asio::any_io_executor& executor, int fd, SocketLink* o) : stream(executor, fd), owner(o) {}

  void read() {
    asio::async_read_until(stream, asio::dynamic_buffer(in), '\n',
                           [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
                             if (self->owner == nullptr) return;
                             if (error) return self->end();
                             self->line(self->in.substr(0, size - 1));
                             self->in.erase(0, size);
                             if (self->owner != nullptr) self->read();
                           });
  }

  void line(const std::string& text) const {
    boost::system::error_code error;
    auto value = boost::json::parse(text, error);
    if (!error && value.is_object() && owner->on_object) owner->on_object(std::move(value.get_object()));
  }

  void end() const {
    if (owner->on_end) owner->on_end();
  }

  void write() {
    if (!writing.empty() || waiting.empty()) return;
    writing = std::exchange(waiting, {});
    asio::async_write(stream, asio::buffer(writing),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        self->writing.clear();
                        if (!error) self->write();
                      });
  }

  asio::posix::stream_descriptor stream;
  SocketLink* owner;  // null once it is gone
  std::string in;
  std::string waiting;
  std::string writing;
};

SocketLink::SocketLink(const asio::any_io_executor& executor, int fd)
    : state_(std::make_shared<State>(executor, fd, this)) {}

SocketLink::~SocketLink() {
  state_->owner = nullptr;
  boost::system::error_code ignored;
  state_->stream.close(ignored);
}

void SocketLink::start() { state_->read(); }

void SocketLink::send(const boost::json::object& object) {
  state_->waiting += boost::json::serialize(object);
  state_->waiting += '\n';
  state_->write();
}

}  // namespace linnet::app::bench
