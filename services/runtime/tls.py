"""TLS to the broker, from the settings."""

import ssl

from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings


def ssl_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """The TLS context, or None without TLS. Raises ConfigError for files that cannot be used."""
    if not kafka.security_protocol.endswith("SSL"):
        return None
    password = kafka.ssl_keyfile_password
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_cafile)
        if kafka.ssl_certfile is not None:
            context.load_cert_chain(
                kafka.ssl_certfile, kafka.ssl_keyfile, password.get_secret_value() if password else None
            )
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"kafka: the TLS files cannot be used ({error.strerror or type(error).__name__}); check ssl_cafile, "
            "ssl_certfile, ssl_keyfile"
        ) from error
    return context
