// What the C API of libpulsar 4.2 has beyond the headers of 2.11 and pulsar-client 1.18 calls. Declarations only: the
// definitions are in the library.
#pragma once
#include <cstddef>
#include <cstdint>
#include <pulsar/c/client.h>
#include <pulsar/c/consumer.h>
#include <pulsar/c/consumer_configuration.h>
#include <pulsar/c/message.h>
#include <pulsar/c/producer_configuration.h>
#include <pulsar/c/reader.h>
#include <pulsar/c/reader_configuration.h>

extern "C" {
struct pulsar_logger_t {
  void *ctx;
  bool (*is_enabled)(pulsar_logger_level_t, void *);
  void (*log)(pulsar_logger_level_t, const char *, int, const char *, void *);
};
void pulsar_client_configuration_set_logger_t(pulsar_client_configuration_t *, pulsar_logger_t);
void pulsar_client_configuration_set_listener_name(pulsar_client_configuration_t *, const char *);
void pulsar_client_configuration_set_tls_private_key_file_path(pulsar_client_configuration_t *, const char *);
void pulsar_client_configuration_set_tls_certificate_file_path(pulsar_client_configuration_t *, const char *);

struct pulsar_messages_t;
size_t pulsar_messages_size(pulsar_messages_t *);
pulsar_message_t *pulsar_messages_get(pulsar_messages_t *, size_t);
void pulsar_messages_free(pulsar_messages_t *);
void pulsar_message_copy(const pulsar_message_t *, pulsar_message_t *);
const char *pulsar_message_get_producer_name(pulsar_message_t *);
const char *pulsar_message_get_replicated_from(pulsar_message_t *);

void pulsar_consumer_receive_async(pulsar_consumer_t *, void (*)(pulsar_result, pulsar_message_t *, void *), void *);
void pulsar_consumer_batch_receive_async(pulsar_consumer_t *, void (*)(pulsar_result, pulsar_messages_t *, void *),
                                         void *);
void pulsar_consumer_seek_by_timestamp_async(pulsar_consumer_t *, uint64_t, pulsar_result_callback, void *);
void pulsar_reader_seek_async(pulsar_reader_t *, pulsar_message_id_t *, pulsar_result_callback, void *);
void pulsar_reader_seek_by_timestamp_async(pulsar_reader_t *, uint64_t, pulsar_result_callback, void *);

void pulsar_reader_configuration_set_default_crypto_key_reader(pulsar_reader_configuration_t *, const char *,
                                                               const char *);
void pulsar_reader_configuration_set_crypto_failure_action(pulsar_reader_configuration_t *,
                                                           pulsar_consumer_crypto_failure_action);

void pulsar_consumer_configuration_set_batch_index_ack_enabled(pulsar_consumer_configuration_t *, int);
void pulsar_consumer_configuration_set_max_pending_chunked_message(pulsar_consumer_configuration_t *, int);
void pulsar_consumer_configuration_set_auto_ack_oldest_chunked_message_on_queue_full(pulsar_consumer_configuration_t *,
                                                                                     int);
enum pulsar_consumer_regex_subscription_mode {
  pulsar_consumer_regex_sub_mode_PersistentOnly,
  pulsar_consumer_regex_sub_mode_NonPersistentOnly,
  pulsar_consumer_regex_sub_mode_AllTopics
};
void pulsar_consumer_configuration_set_regex_subscription_mode(pulsar_consumer_configuration_t *,
                                                               pulsar_consumer_regex_subscription_mode);
struct pulsar_consumer_config_dead_letter_policy_t {
  const char *dead_letter_topic;
  int max_redeliver_count;
  const char *initial_subscription_name;
};
void pulsar_consumer_configuration_set_dlq_policy(pulsar_consumer_configuration_t *,
                                                  const pulsar_consumer_config_dead_letter_policy_t *);
struct pulsar_consumer_batch_receive_policy_t {
  int maxNumMessages;
  long maxNumBytes;
  long timeoutMs;
};
int pulsar_consumer_configuration_set_batch_receive_policy(pulsar_consumer_configuration_t *,
                                                           const pulsar_consumer_batch_receive_policy_t *);

void pulsar_producer_configuration_set_chunking_enabled(pulsar_producer_configuration_t *, int);
enum pulsar_producer_access_mode {
  pulsar_ProducerAccessModeShared,
  pulsar_ProducerAccessModeExclusive,
  pulsar_ProducerAccessModeWaitForExclusive,
  pulsar_ProducerAccessModeExclusiveWithFencing
};
void pulsar_producer_configuration_set_access_mode(pulsar_producer_configuration_t *, pulsar_producer_access_mode);
}
