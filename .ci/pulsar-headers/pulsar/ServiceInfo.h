// Stands in for a header that no registry has. Its namespace keeps it from the library's own symbols: with this build
// `serviceUrlProvider` is refused (see Client::create in .ci/pulsar-native).
#pragma once
#include <memory>
#include <optional>
#include <pulsar/Authentication.h>
#include <string>

namespace pulsar {
namespace absent {
struct ServiceInfo {
  ServiceInfo(std::string, AuthenticationPtr, std::optional<std::string>) {}
};
struct ServiceInfoProvider {
  virtual ~ServiceInfoProvider() = default;
};
}  // namespace absent
using absent::ServiceInfo;
using absent::ServiceInfoProvider;
}  // namespace pulsar
