// SPDX-License-Identifier: BSD-2-Clause
// The dump of options that goes to a net process, and its decoder there. Linked by net programs: no TOML here.
#include "common/service/config/config.h"

namespace posada::service {

std::string Settings::net_dump() const {
    Writer out;
    ServiceOptions service = *service_;
    service.listen.clear();
    encode_options(service_schema(), &service, out);
    if (section_->takes_mail) encode_options(mail_schema(), &common_->mail, out);
    out.boolean(common_->auth.scram);
    out.boolean(common_->auth.channel_binding);
    encode_options(*section_->schema, options_.get(), out);
    return out.take();
}

Result<NetOptions> decode_net_options(std::string_view dump, const SectionInfo& section, void* options) {
    NetOptions out;
    Reader in(dump);
    RETURN_IF_ERROR(decode_options(service_schema(), in, &out.service));
    if (section.takes_mail) RETURN_IF_ERROR(decode_options(mail_schema(), in, &out.mail));
    out.scram = in.boolean();
    out.channel_binding = in.boolean();
    RETURN_IF_ERROR(decode_options(*section.schema, in, options));
    RETURN_IF_ERROR(in.finish());
    return out;
}

} // namespace posada::service
