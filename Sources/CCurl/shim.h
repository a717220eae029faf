/* Debian's libcurl, as the Curl driver sees it. Every function here is a typed door to a variadic
 * one, which Swift cannot call. */
#include <curl/curl.h>

static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_headers(CURL *easy, struct curl_slist *value) {
  return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, value);
}

static inline CURLcode ccurl_set_receivers(CURL *easy, struct curl_slist *value) {
  return curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, value);
}

/* Certificates in PEM; libcurl copies them. */
static inline CURLcode ccurl_set_certificates(CURL *easy, void *bytes, size_t count) {
  struct curl_blob blob = {bytes, count, CURL_BLOB_COPY};
  CURLcode code = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &blob);
}

typedef size_t (*ccurl_write_function)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode ccurl_set_writer(CURL *easy, ccurl_write_function writer, void *context) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, writer);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
}

/* The lines that a mail server says. */
static inline CURLcode ccurl_set_listener(CURL *easy, ccurl_write_function writer, void *context) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, writer);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_HEADERDATA, context);
}

typedef size_t (*ccurl_read_function)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode ccurl_set_reader(CURL *easy, ccurl_read_function reader, void *context) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, reader);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_READDATA, context);
}

/* Asked each time before a request is written to a connection. */
typedef int (*ccurl_before_request)(void *context, char *, char *, int, int);

static inline CURLcode ccurl_set_before_request(CURL *easy, ccurl_before_request asked,
                                                void *context) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, asked);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_PREREQDATA, context);
}

static inline CURLMcode ccurl_set_kept(CURLM *multi, long connections) {
  return curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
}

static inline long ccurl_response_code(CURL *easy) {
  long code = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
  return code;
}

/* Seconds of a Retry-After header, 0 without one. */
static inline long long ccurl_retry_after(CURL *easy) {
  curl_off_t seconds = 0;
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
  return (long long)seconds;
}

/* Bytes of the body that were written to the connection. */
static inline long long ccurl_uploaded(CURL *easy) {
  curl_off_t count = 0;
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &count);
  return (long long)count;
}

/* Why a certificate was not believed, as OpenSSL numbers it; the proxy's if it was that one. */
static inline long ccurl_verify_result(CURL *easy) {
  long server = 0;
  long proxy = 0;
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &server);
  curl_easy_getinfo(easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &proxy);
  return server ? server : proxy;
}
