"""The one table of ssh_config's keywords: what each takes, its default, and what we do with it.

It holds those of OpenSSH 9.2 to 10, and Debian's own. A keyword is known by its name in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.ssh_config import other_values as other
from qxub.transport.ssh_config import values as of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qxub.transport.ssh_config.values import Kind


@dataclass(frozen=True)
class Keyword:
    """A keyword of ssh_config(5).

    `default` is its value where no file gives one. The values of one that `adds` accumulate. `note`
    says what this client does not do, for keywords that would change whom we trust or how we get
    there. Those that are `shown` are printed by `qxub ssh config`.
    """

    name: str
    kind: Kind
    default: object = None
    adds: bool = False
    shown: bool = False
    note: str = ""


_LEVEL = of.choice(
    **{level.lower(): level for level in ("FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG")},
    debug1="DEBUG",
    debug2="DEBUG2",
    debug3="DEBUG3",
    quiet="SILENT",
    silent="SILENT",  # Debian's OpenSSH prints it so
)
_FACILITY = of.choice(
    *("daemon", "user", "auth", "authpriv", "local0", "local1", "local2", "local3", "local4"),
    *("local5", "local6", "local7"),
)
_YES_NO_ASK = of.choice("true", "false", "ask", yes="true", no="false")
_STRICT = of.choice("true", "false", "ask", "accept-new", yes="true", no="false", off="false")
_TUNNEL = of.choice("ethernet", "point-to-point", "true", "false", yes="true", no="false")
_CONTROL = of.choice("true", "false", "auto", "ask", "autoask", yes="true", no="false")
_PUBKEY = of.choice("true", "false", "unbound", "host-bound", yes="true", no="false")
_TTY = of.choice("true", "false", "force", "auto", yes="true", no="false")
_CANONICALIZE = of.choice("true", "false", "always", yes="true", no="false")

# What this client uses, in the order in which ssh -G prints it.
_USED: Mapping[str, tuple[Kind, object]] = {
    "user": (of.STRING, None),
    "hostname": (of.STRING, None),
    "port": (of.PORT, 22),
    "addressfamily": (of.choice("any", "inet", "inet6"), "any"),
    "batchmode": (of.FLAG, False),
    "canonicalizefallbacklocal": (of.FLAG, True),
    "canonicalizehostname": (_CANONICALIZE, "false"),
    "checkhostip": (of.FLAG, False),
    "compression": (of.choice("yes", "no"), "no"),
    "hashknownhosts": (of.FLAG, False),
    "identitiesonly": (of.FLAG, False),
    "kbdinteractiveauthentication": (of.FLAG, True),
    "nohostauthenticationforlocalhost": (of.FLAG, False),
    "passwordauthentication": (of.FLAG, True),
    "pubkeyauthentication": (_PUBKEY, "true"),
    "requesttty": (_TTY, "auto"),
    "sessiontype": (of.choice("none", "subsystem", "default"), "default"),
    "stdinnull": (of.FLAG, False),
    "stricthostkeychecking": (_STRICT, "ask"),
    "tcpkeepalive": (of.FLAG, True),
    "canonicalizemaxdots": (of.NUMBER, 1),
    "connectionattempts": (of.NUMBER, 1),
    "numberofpasswordprompts": (of.NUMBER, 3),
    "serveralivecountmax": (of.NUMBER, 3),
    "serveraliveinterval": (of.TIME, 0),
    "requiredrsasize": (of.NUMBER, 1024),
    "bindaddress": (of.STRING, None),
    "ciphers": (of.algorithms("ciphers"), None),
    "hostkeyalgorithms": (of.algorithms("hostkeyalgorithms"), None),
    "hostkeyalias": (of.STRING, None),
    "identityagent": (of.AGENT, None),
    "ignoreunknown": (of.STRING, None),
    "kexalgorithms": (of.algorithms("kexalgorithms"), None),
    "casignaturealgorithms": (of.algorithms("casignaturealgorithms"), None),
    "remotecommand": (of.COMMAND, None),
    "loglevel": (_LEVEL, "INFO"),
    "macs": (of.algorithms("macs"), None),
    "preferredauthentications": (of.STRING, None),
    "pubkeyacceptedalgorithms": (of.algorithms("pubkeyacceptedalgorithms"), None),
    "revokedhostkeys": (of.STRING, None),
    "tag": (of.STRING, None),
    "canonicaldomains": (other.DOMAINS, None),
    "globalknownhostsfile": (of.FILES, None),
    "userknownhostsfile": (of.FILES, ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")),
    "setenv": (of.Kind(of.parse_set_env), None),
    "forwardagent": (of.Kind(of.parse_forward_agent, complete=of.complete_forward_agent), False),
    "connecttimeout": (of.TIME, None),
    "canonicalizepermittedcnames": (other.CNAMES, None),
    "rekeylimit": (of.Kind(of.parse_rekey_limit), 0),
    "proxycommand": (of.COMMAND, None),
    "proxyjump": (of.JUMP, None),
}

_ADDING: Mapping[str, Kind] = {
    "identityfile": of.STRING,
    "certificatefile": of.STRING,
    "sendenv": of.Kind(of.parse_send_env),
}

DEFAULT_IDENTITIES = tuple(
    f"~/.ssh/id_{name}"
    for name in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss", "dsa")
)

# What would change whom we trust or how we get there, and is not done here.
_NOT_DONE: Mapping[str, tuple[Kind, str]] = {
    "bindinterface": (of.STRING, "connections are bound to no interface"),
    "gssapiauthentication": (of.FLAG, "there is no GSSAPI (Kerberos) login"),
    "gssapikeyexchange": (of.FLAG, "there is no GSSAPI (Kerberos) key exchange"),
    "hostbasedauthentication": (of.FLAG, "there is no host-based login"),
    "knownhostscommand": (of.COMMAND, "host keys are looked up in files only"),
    "pkcs11provider": (of.STRING, "keys on tokens are used by way of an agent only"),
    "proxyusefdpass": (of.FLAG, "a proxy command must carry the connection itself"),
    "securitykeyprovider": (of.STRING, "FIDO keys are used by way of an agent only"),
    "verifyhostkeydns": (_YES_NO_ASK, "host keys are not looked up in DNS"),
}

# What is valid, and means nothing to a client that runs commands and forwards nothing.
_WITHOUT_MEANING: Mapping[str, Kind] = {
    "addkeystoagent": other.ADD_KEYS,
    "channeltimeout": other.CHANNEL_TIMEOUT,
    "clearallforwardings": of.FLAG,
    "controlmaster": _CONTROL,
    "controlpath": of.STRING,
    "controlpersist": other.CONTROL_PERSIST,
    "dynamicforward": other.DYNAMIC_FORWARD,
    "enableescapecommandline": of.FLAG,
    "enablesshkeysign": of.FLAG,
    "escapechar": other.ESCAPE,
    "exitonforwardfailure": of.FLAG,
    "fingerprinthash": other.HASH,
    "forkafterauthentication": of.FLAG,
    "forwardx11": of.FLAG,
    "forwardx11timeout": of.TIME,
    "forwardx11trusted": of.FLAG,
    "gatewayports": of.FLAG,
    "gssapiclientidentity": of.STRING,
    "gssapidelegatecredentials": of.FLAG,
    "gssapikexalgorithms": of.STRING,
    "gssapirenewalforcesrekey": of.FLAG,
    "gssapiserveridentity": of.STRING,
    "gssapitrustdns": of.FLAG,
    "hostbasedacceptedalgorithms": of.algorithms("hostbasedacceptedalgorithms"),
    "ipqos": other.QOS,
    "kbdinteractivedevices": of.STRING,
    "localcommand": of.COMMAND,
    "localforward": other.LOCAL_FORWARD,
    "logverbose": of.FILES,
    "obscurekeystroketiming": other.KEYSTROKE_TIMING,
    "permitlocalcommand": of.FLAG,
    "permitremoteopen": other.REMOTE_OPEN,
    "refuseconnection": of.STRING,
    "remoteforward": other.REMOTE_FORWARD,
    "streamlocalbindmask": other.MASK,
    "streamlocalbindunlink": of.FLAG,
    "syslogfacility": _FACILITY,
    "tunnel": _TUNNEL,
    "tunneldevice": other.TUNNEL_DEVICE,
    "updatehostkeys": _YES_NO_ASK,
    "versionaddendum": of.COMMAND,
    "visualhostkey": of.FLAG,
    "warnweakcrypto": of.STRING,
    "xauthlocation": of.STRING,
}

# Names that OpenSSH has given up, and takes with any value.
_OBSOLETE = (
    *("afstokenpassing", "cipher", "compressionlevel", "fallbacktorsh", "globalknownhostsfile2"),
    *("kerberosauthentication", "kerberostgtpassing", "protocol", "rhostsauthentication"),
    *("rhostsrsaauthentication", "rsaauthentication", "useblacklistedkeys", "useprivilegedport"),
    *("userknownhostsfile2", "useroaming", "usersh"),
)

_ALIASES: Mapping[str, str] = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "hostbasedkeytypes": "hostbasedacceptedalgorithms",
    "identityfile2": "identityfile",
    "keepalive": "tcpkeepalive",
    "protocolkeepalives": "serveraliveinterval",  # Debian's
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "setuptimeout": "serveraliveinterval",  # Debian's
    "skeyauthentication": "kbdinteractiveauthentication",
    "smartcarddevice": "pkcs11provider",
    "tisauthentication": "kbdinteractiveauthentication",
}


def _table() -> dict[str, Keyword]:
    rows = [
        *(Keyword(name, kind, default, shown=True) for name, (kind, default) in _USED.items()),
        *(Keyword(name, kind, adds=True, shown=True) for name, kind in _ADDING.items()),
        *(Keyword(name, kind, note=note) for name, (kind, note) in _NOT_DONE.items()),
        *(Keyword(name, kind) for name, kind in _WITHOUT_MEANING.items()),
        *(Keyword(name, other.ANYTHING) for name in _OBSOLETE),
    ]
    table = {row.name: row for row in rows}
    return table | {alias: table[name] for alias, name in _ALIASES.items()}


KEYWORDS = _table()
