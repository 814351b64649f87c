"""Who may use whom. The arrows of the design, and the one place where each library is at home."""

# module -> modules whose headers it may include and whose targets it may link.
MAY_USE = {
    "base": set(),
    "text": {"base"},
    "domain": {"base"},
    "ports": {"domain", "base"},
    "lang": {"text", "domain", "base"},
    "codec": {"domain", "base"},
    "store": {"lang", "text", "domain", "base"},
    "score": {"domain", "base"},
    "formats": {"score", "text", "domain", "base"},
    "manifest": {"formats", "score", "text", "domain", "base"},
    "features": {"domain", "base"},
    "testing": {"store", "lang", "text", "codec", "features", "domain", "base"},
    "engine": {"lang", "store", "manifest", "formats", "score", "codec", "features", "domain", "base"},
    "pipeline": {"engine", "features", "ports", "domain", "base"},
    "config": {"ports", "domain", "base"},
    "telemetry": {"ports", "domain", "base"},
    "kafka": {"ports", "codec", "domain", "base", "telemetry"},
    "registry": {"ports", "codec", "domain", "base", "telemetry"},
    "admin": {"ports", "codec", "domain", "base", "telemetry"},
    "redis": {"ports", "codec", "domain", "base", "telemetry"},
    "app": None,  # everything
}

# Header of a library -> the modules that may include it (tests may include any).
LIBRARY_HEADERS = {
    r"avro\.h|avro/.*": {"codec"},
    r"librdkafka/.*": {"kafka"},
    r"curl/.*": {"registry"},
    r"microhttpd\.h": {"admin"},
    r"hiredis/.*": {"redis"},
    r"yaml\.h": {"text", "config"},
    r"jansson\.h": {"formats", "codec", "kafka", "registry", "admin", "app"},
    r"openssl/.*": {"base", "redis"},
    r"xxhash\.h": {"base"},
    r"zlib\.h": {"codec"},
    r"onnxruntime_c_api\.h": {"formats"},
    r"cmocka\.h": set(),
}

# Target of a library -> the modules that may link it.
LIBRARY_TARGETS = {
    "PkgConfig::AVRO": {"codec"},
    "PkgConfig::RDKAFKA": {"kafka"},
    "PkgConfig::CURL": {"registry"},
    "PkgConfig::MICROHTTPD": {"admin"},
    "PkgConfig::HIREDIS": {"redis"},
    "PkgConfig::LIBSSL": {"redis"},
    "PkgConfig::YAML": {"text", "config"},
    "PkgConfig::JANSSON": {"formats", "codec", "kafka", "registry", "admin", "app"},
    "PkgConfig::OPENSSL": {"base"},
    "PkgConfig::XXHASH": {"base"},
    "PkgConfig::ZLIB": {"codec"},
    "PkgConfig::ONNXRUNTIME": {"formats"},
    "PkgConfig::CMOCKA": set(),
}

# Modules that may ask the system for the time, chance, the environment or a connection.
WORLDLY = {"app", "kafka", "registry", "admin", "redis"}
