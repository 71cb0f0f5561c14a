// SPDX-License-Identifier: BSD-2-Clause
// The provider's key objects carry the public key, as the default provider has it, and answer every question from it.
#include "common/io/tls_remote_key.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/proverr.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>

#include "common/base/text.h"

namespace posada::io {
namespace {

constexpr const char* provider_name = "posada";
constexpr const char* ours = "provider=posada";
// Whoever does not ask for ours by name gets OpenSSL's own.
constexpr const char* not_ours = "?provider=default";
constexpr const char* definition_parameter = "posada-key"; // a pointer to KeyData

struct KeyData {
    std::shared_ptr<EVP_PKEY> public_key;
    std::shared_ptr<const SignSlot> slot; // empty: a public key only
    std::uint16_t index = 0;
};

struct SignContext {
    KeyData key;
    SignHash hash = SignHash::none;
    SignPadding padding = SignPadding::none;
};

template <class F>
OSSL_DISPATCH entry(int id, F function) {
    return {id, reinterpret_cast<void (*)()>(function)};
}

const KeyData& key_of(const void* data) { return *static_cast<const KeyData*>(data); }

// ---- keys ----

void* new_key(void*) noexcept { return new KeyData; }
void free_key(void* data) noexcept { delete static_cast<KeyData*>(data); }

int has(const void* data, int selection) noexcept {
    const KeyData& key = key_of(data);
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && !key.slot) return 0;
    return key.public_key != nullptr ? 1 : 0;
}

int match(const void* a, const void* b, int) noexcept {
    const KeyData& one = key_of(a);
    const KeyData& other = key_of(b);
    return one.public_key && other.public_key && EVP_PKEY_eq(one.public_key.get(), other.public_key.get()) == 1;
}

// A key of ours by its definition; or, to be compared with one, the public key of a certificate.
template <const char* const& Type>
int import_key(void* data, int, const OSSL_PARAM* parameters) noexcept {
    auto& key = *static_cast<KeyData*>(data);
    const void* definition = nullptr;
    std::size_t size = 0;
    const OSSL_PARAM* defined = OSSL_PARAM_locate_const(parameters, definition_parameter);
    if (defined != nullptr) {
        if (OSSL_PARAM_get_octet_ptr(defined, &definition, &size) != 1) return 0;
        key = key_of(definition);
        return 1;
    }
    const std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>> context(
        EVP_PKEY_CTX_new_from_name(nullptr, Type, "provider=default"));
    EVP_PKEY* made = nullptr;
    if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(parameters)) != 1)
        return 0;
    key.public_key.reset(made, &EVP_PKEY_free);
    return 1;
}

const OSSL_PARAM* import_types(int) noexcept {
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_ptr(definition_parameter, nullptr, 0), OSSL_PARAM_END};
    return types;
}

int get_parameters(void* data, OSSL_PARAM* parameters) noexcept {
    return EVP_PKEY_get_params(key_of(data).public_key.get(), parameters);
}

const OSSL_PARAM* gettable_parameters(void*) noexcept {
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
        OSSL_PARAM_END,
    };
    return list;
}

template <const char* const& Signature>
const char* operation_name(int operation) noexcept {
    return operation == OSSL_OP_SIGNATURE ? Signature : nullptr;
}

template <const char* const& Type, const char* const& Signature>
const OSSL_DISPATCH* key_functions() {
    static const OSSL_DISPATCH functions[] = {
        entry(OSSL_FUNC_KEYMGMT_NEW, &new_key),
        entry(OSSL_FUNC_KEYMGMT_FREE, &free_key),
        entry(OSSL_FUNC_KEYMGMT_HAS, &has),
        entry(OSSL_FUNC_KEYMGMT_MATCH, &match),
        entry(OSSL_FUNC_KEYMGMT_IMPORT, &import_key<Type>),
        entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, &import_types),
        entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, &get_parameters),
        entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, &gettable_parameters),
        entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, &operation_name<Signature>),
        {0, nullptr},
    };
    return functions;
}

// ---- signatures ----

void* new_context(void*, const char*) noexcept { return new SignContext; }
void free_context(void* data) noexcept { delete static_cast<SignContext*>(data); }

struct HashName {
    SignHash hash;
    std::string_view name;
};
constexpr HashName hash_names[] = {
    {SignHash::sha256, "SHA256"},     {SignHash::sha256, "SHA2-256"},       {SignHash::sha384, "SHA384"},
    {SignHash::sha384, "SHA2-384"},   {SignHash::sha512, "SHA512"},         {SignHash::sha512, "SHA2-512"},
    {SignHash::sha224, "SHA224"},     {SignHash::sha224, "SHA2-224"},       {SignHash::sha1, "SHA1"},
    {SignHash::md5_sha1, "MD5-SHA1"}, {SignHash::none, std::string_view()},
};

const HashName* find_hash(const char* name) {
    const std::string_view wanted = name == nullptr ? std::string_view() : std::string_view(name);
    const auto* found = std::find_if(std::begin(hash_names), std::end(hash_names),
                                     [&](const HashName& known) { return iequals(known.name, wanted); });
    return found == std::end(hash_names) ? nullptr : found;
}

int refuse(const std::string& why) {
    ERR_raise_data(ERR_LIB_PROV, PROV_R_FAILED_TO_SIGN, "%s", why.c_str());
    return 0;
}

// By number or by name, as libcrypto pleases.
int set_context_parameters(void* data, const OSSL_PARAM* parameters) noexcept {
    auto& context = *static_cast<SignContext*>(data);
    if (parameters == nullptr) return 1;
    const OSSL_PARAM* padding = OSSL_PARAM_locate_const(parameters, OSSL_SIGNATURE_PARAM_PAD_MODE);
    if (padding == nullptr) return 1; // the salt is as long as the digest: the signer knows
    const char* name = nullptr;
    int number = 0;
    if (padding->data_type == OSSL_PARAM_INTEGER) {
        if (OSSL_PARAM_get_int(padding, &number) != 1) return 0;
    } else if (OSSL_PARAM_get_utf8_string_ptr(padding, &name) != 1) {
        return 0;
    }
    const bool pss =
        number == RSA_PKCS1_PSS_PADDING || (name != nullptr && std::string_view(name) == OSSL_PKEY_RSA_PAD_MODE_PSS);
    context.padding = pss ? SignPadding::pss : SignPadding::pkcs1;
    return 1;
}

const OSSL_PARAM* settable_parameters(void*, void*) noexcept {
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
        OSSL_PARAM_END,
    };
    return list;
}

int begin_signature(void* data, const char* hash, void* key, const OSSL_PARAM* parameters) noexcept {
    auto& context = *static_cast<SignContext*>(data);
    const HashName* known = find_hash(hash);
    if (known == nullptr) return refuse("no such digest in a handshake");
    context.key = key_of(key);
    context.hash = known->hash;
    const bool rsa = EVP_PKEY_is_a(context.key.public_key.get(), "RSA") == 1;
    context.padding = rsa ? SignPadding::pkcs1 : SignPadding::none;
    if (EVP_PKEY_is_a(context.key.public_key.get(), "RSA-PSS") == 1) context.padding = SignPadding::pss;
    return set_context_parameters(data, parameters);
}

// Without room for the signature: asked how large it may be.
int sign(void* data, unsigned char* out, std::size_t* size, std::size_t room, const unsigned char* bytes,
         std::size_t count) noexcept {
    const auto& context = *static_cast<const SignContext*>(data);
    if (out == nullptr) {
        *size = static_cast<std::size_t>(EVP_PKEY_get_size(context.key.public_key.get()));
        return 1;
    }
    const SignFunction* ask = context.key.slot ? context.key.slot->ask : nullptr;
    if (ask == nullptr || !*ask) return refuse("nobody is there to sign");
    const auto signature = (*ask)({context.key.index, context.hash, context.padding,
                                   std::string_view(reinterpret_cast<const char*>(bytes), count)});
    if (!signature) return refuse(signature.error().describe());
    if (signature->empty() || signature->size() > room) return refuse("a signature of the wrong size");
    std::memcpy(out, signature->data(), signature->size());
    *size = signature->size();
    return 1;
}

const OSSL_DISPATCH* signature_functions() {
    static const OSSL_DISPATCH functions[] = {
        entry(OSSL_FUNC_SIGNATURE_NEWCTX, &new_context),
        entry(OSSL_FUNC_SIGNATURE_FREECTX, &free_context),
        entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, &begin_signature),
        entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, &sign),
        entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, &set_context_parameters),
        entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, &settable_parameters),
        {0, nullptr},
    };
    return functions;
}

// ---- the provider ----

constexpr const char* rsa = "RSA";
constexpr const char* rsa_pss = "RSA-PSS";
constexpr const char* ec = "EC";
constexpr const char* ecdsa = "ECDSA";
constexpr const char* ed25519 = "ED25519";
constexpr const char* ed448 = "ED448";

const OSSL_ALGORITHM* query(void*, int operation, int* no_store) noexcept {
    static const OSSL_ALGORITHM keys[] = {
        {"RSA:rsaEncryption:1.2.840.113549.1.1.1", ours, key_functions<rsa, rsa>(), nullptr},
        {"RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", ours, key_functions<rsa_pss, rsa>(), nullptr},
        {"EC:id-ecPublicKey:1.2.840.10045.2.1", ours, key_functions<ec, ecdsa>(), nullptr},
        {ed25519, ours, key_functions<ed25519, ed25519>(), nullptr},
        {ed448, ours, key_functions<ed448, ed448>(), nullptr},
        {nullptr, nullptr, nullptr, nullptr},
    };
    static const OSSL_ALGORITHM signatures[] = {
        {rsa, ours, signature_functions(), nullptr},
        {ecdsa, ours, signature_functions(), nullptr},
        {ed25519, ours, signature_functions(), nullptr},
        {ed448, ours, signature_functions(), nullptr},
        {nullptr, nullptr, nullptr, nullptr},
    };
    *no_store = 0;
    if (operation == OSSL_OP_KEYMGMT) return keys;
    return operation == OSSL_OP_SIGNATURE ? signatures : nullptr;
}

int start_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** out,
                   void** context) noexcept {
    static const OSSL_DISPATCH functions[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, &query), {0, nullptr}};
    *out = functions;
    *context = const_cast<OSSL_CORE_HANDLE*>(handle);
    return 1;
}

// Once per process, for its life. A provider that is loaded by name would keep OpenSSL's own from being loaded by
// itself.
bool provider_ready() {
    static const bool known = OSSL_PROVIDER_add_builtin(nullptr, provider_name, &start_provider) == 1;
    static OSSL_PROVIDER* const standard = known ? OSSL_PROVIDER_load(nullptr, "default") : nullptr;
    static OSSL_PROVIDER* const own = standard != nullptr ? OSSL_PROVIDER_load(nullptr, provider_name) : nullptr;
    static const bool asked_for_only = own != nullptr && EVP_set_default_properties(nullptr, not_ours) == 1;
    return standard != nullptr && own != nullptr && asked_for_only;
}

} // namespace

Result<PkeyPtr> make_remote_key(X509* certificate, std::uint16_t index, std::shared_ptr<const SignSlot> slot) {
    ERR_clear_error();
    KeyData key{{X509_get_pubkey(certificate), &EVP_PKEY_free}, std::move(slot), index};
    EVP_PKEY* made = nullptr;
    if (key.public_key != nullptr && provider_ready()) {
        const std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>> context(
            EVP_PKEY_CTX_new_from_name(nullptr, EVP_PKEY_get0_type_name(key.public_key.get()), ours));
        void* definition = &key;
        OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_ptr(definition_parameter, &definition, sizeof key),
                                   OSSL_PARAM_construct_end()};
        if (context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
            EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, parameters) == 1)
            return PkeyPtr(made);
    }
    return Error{Errc::invalid, 0, "this type of key cannot be used for TLS: " + tls_error_text()};
}

} // namespace posada::io
