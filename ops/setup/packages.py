"""Which Debian packages go into which private prefix, and what is left out of them."""

from dataclasses import dataclass

SUITE = "trixie"
RECIPE = "1"  # raise it when the way of unpacking changes, so that prefixes are made anew

# apt is told that these are installed, so it neither fetches them nor what only they need. They are
# maintainer-script helpers, interpreters of scripts that nobody runs here, JavaScript for consoles that are
# not served, and LLVM, which PostgreSQL needs only for its JIT (off here).
PROVIDED = (
    *("adduser", "ca-certificates", "ca-certificates-java", "debconf", "fonts-glyphicons-halflings"),
    *("init-system-helpers", "java-common", "javascript-common", "libapache-pom-java"),
    *("libcommons-parent-java", "libjpeg62-turbo", "libjs-bootstrap", "libjs-bootstrap4", "libjs-d3"),
    *("libjs-eonasdan-bootstrap-datetimepicker", "libjs-jquery", "libjs-jquery-hotkeys", "libjs-moment"),
    *("libjs-moment-timezone", "libjs-mustache", "libjs-popper.js", "libjs-rickshaw", "liblcms2-2"),
    *("libllvm19", "libmaven-parent-java", "libpam-modules", "libpam-runtime"),
    *("libpcsclite1", "locales", "netbase", "openssl-provider-legacy", "passwd", "perl", "perl-base"),
    *("postgresql-client-common", "postgresql-common", "procps", "readline-common", "sensible-utils"),
    *("ssl-cert", "sysvinit-utils", "tzdata", "util-linux"),
)

# Removed after unpacking.
DISCARDED = (
    *("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian"),
    *("usr/share/bug", "usr/share/icons", "usr/share/applications", "usr/share/maven-repo"),
    *(
        "usr/lib/postgresql/17/lib/bitcode",
        "usr/lib/postgresql/17/lib/pgxs",
        "usr/share/postgresql/17/man",
        "usr/lib/systemd",
        "lib/systemd",
    ),
    *("etc/init.d", "etc/logrotate.d", "var"),
)


@dataclass(frozen=True)
class PackageSet:
    """Packages that are unpacked together, with what they cost."""

    name: str
    packages: tuple[str, ...]
    download_mb: int
    disk_mb: int
    provided: tuple[str, ...] = PROVIDED

    @property
    def identity(self) -> str:
        """Everything that the unpacked result depends on, as text."""
        return "\n".join((SUITE, RECIPE, *self.packages, "--", *self.provided, "--", *DISCARDED))


SERVERS = PackageSet(
    name="servers",
    packages=("postgresql-17", "postgresql-17-timescaledb", "mosquitto", "prometheus", "promtool"),
    download_mb=84,
    disk_mb=330,
)
# openssl makes the trust store, which Debian's own post-install script would make from the host's certificates.
JRE = PackageSet(name="jre", packages=("openjdk-21-jre-headless", "openssl"), download_mb=62, disk_mb=240)
MAVEN = PackageSet(
    name="maven",
    packages=("maven",),
    download_mb=25,
    disk_mb=25,
    provided=(*PROVIDED, "default-jre-headless", "openjdk-21-jre-headless", "libc6"),
)
