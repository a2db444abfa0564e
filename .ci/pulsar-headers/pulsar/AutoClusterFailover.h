// Stands in for a header that no registry has; see ServiceInfo.h.
#pragma once
#include <chrono>
#include <cstdint>
#include <pulsar/ServiceInfo.h>
#include <vector>

namespace pulsar {
namespace absent {
struct AutoClusterFailover : ServiceInfoProvider {
  struct Config {
    Config(ServiceInfo, std::vector<ServiceInfo>) {}
    std::chrono::milliseconds checkInterval{30000};
    uint32_t failoverThreshold = 1;
    uint32_t switchBackThreshold = 1;
  };
  explicit AutoClusterFailover(Config &&) {}
};
}  // namespace absent
using absent::AutoClusterFailover;
}  // namespace pulsar
