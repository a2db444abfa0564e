// Stands in for a header that no registry has. Nothing makes one: with this build a message's encryption context is
// always absent (see Message::getEncryptionContext in .ci/pulsar-native), and we encrypt nothing.
#pragma once
#include <map>
#include <pulsar/CompressionType.h>
#include <string>
#include <vector>

namespace pulsar {
struct EncryptionContext {
  struct Key {
    std::string key;
    std::string value;
    std::map<std::string, std::string> metadata;
  };
  std::vector<Key> keys() const { return {}; }
  std::string param() const { return {}; }
  std::string algorithm() const { return {}; }
  CompressionType compressionType() const { return CompressionNone; }
  unsigned uncompressedMessageSize() const { return 0; }
  int batchSize() const { return 0; }
  bool isDecryptionFailed() const { return false; }
};
}  // namespace pulsar
