"""Keywords of ssh_config(5) and values for them, right and wrong, to make configurations of.

Kept out, because releases differ and the resolver takes what either takes: keywords newer than 9.2,
fractional times, white space in ProxyJump, tokens and variables in SetEnv and User. What asks the
network is kept out too (CanonicalizeHostname).
"""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

Text = st.SearchStrategy[str]


def one(*texts: str) -> Text:
    """Draw one of the texts."""
    return st.sampled_from(texts)


def words(text: str, *more: str) -> Text:
    """Draw one word of a text, or one of the further texts, which may have white space."""
    return st.sampled_from([*text.split(), *more])


class Values(NamedTuple):
    """Values for some keywords: some that are right for them, some that mostly are not."""

    keywords: str
    right: Text
    wrong: Text


ENVIRONMENT = {"JUDGE_ONE": "one", "JUDGE_PATH": "/some/where"}
EMPTY = st.just("")
HOSTS = words("h host1 login.example.org Login 10.0.0.1 127.1 ::1 a-b_c x.")
USERS = words("alice bob a.b root")
TOKENS = words("%h %n %p %r %u %l %L %i %d %k %C %% ${JUDGE_ONE}")
PATHS = st.builds(
    str.__add__,
    words("~/ ~/ ~root/ /etc/ /etc/ ./ ${JUDGE_PATH}/ %d/", ""),
    words("id id_%h %%k none k.pub %r@%h-%p ${JUDGE_ONE}"),
)
BAD_PATHS = words("~ ~nobody-here/x %z ${JUDGE_NONE} ${ % ~none none %dk", "with space", "")
WORDS = words("x one two.example a,b any yes é")
BAD_WORDS = words("none NONE #x x#y = =x %h", "", "a b")
NUMBERS = words("0 1 3 22 65535 0x16 010")
BAD_NUMBERS = words("65536 -1 1x 99999999999 +5 yes none 1.", "", "1 2")
TIMES = words("0 10 1m 1h30m 1w2d 10S 5 90")
BAD_TIMES = words("none -1 5x 9999999999 m 1hh", "1 m", "")
STATES = words("yes no")
BAD_STATES = words("true false ask auto none YES 1 on off force maybe always", "", "yes no")
ANYTHING = st.one_of(WORDS, BAD_WORDS, STATES, NUMBERS, BAD_NUMBERS, TIMES, PATHS)

VALUES = (
    Values(
        """
        BatchMode CanonicalizeFallbackLocal CheckHostIP ClearAllForwardings Compression
        ExitOnForwardFailure ForwardX11 ForwardX11Trusted GatewayPorts HashKnownHosts
        HostbasedAuthentication IdentitiesOnly KbdInteractiveAuthentication KeepAlive
        ChallengeResponseAuthentication NoHostAuthenticationForLocalhost PasswordAuthentication
        PermitLocalCommand ProxyUseFdpass StreamLocalBindUnlink TCPKeepAlive VisualHostKey
        EnableSSHKeysign PubkeyAuthentication StrictHostKeyChecking UpdateHostKeys VerifyHostKeyDNS
        ControlMaster ControlPersist RequestTTY Tunnel AddKeysToAgent ForwardAgent
        EnableEscapeCommandline GSSAPIAuthentication IdentitiesOnly Compression""",
        STATES,
        BAD_STATES,
    ),
    Values("AddressFamily", words("any inet inet6"), BAD_STATES),
    Values("LogLevel", words("quiet INFO debug3 verbose SILENT fatal ERROR Debug1"), BAD_STATES),
    Values("SyslogFacility", words("auth LOCAL0 user Daemon"), BAD_STATES),
    Values("StrictHostKeyChecking", words("accept-new off ask yes true"), BAD_STATES),
    Values("UpdateHostKeys VerifyHostKeyDNS", words("yes no ask true"), BAD_STATES),
    Values("PubkeyAuthentication", words("host-bound unbound yes no"), BAD_STATES),
    Values("ControlMaster", words("auto autoask ask"), BAD_STATES),
    Values("AddKeysToAgent", words("ask confirm 10 1h"), st.one_of(BAD_STATES, BAD_TIMES)),
    Values("RequestTTY", words("auto force yes no"), BAD_STATES),
    Values("SessionType", words("none subsystem default"), BAD_STATES),
    Values("Tunnel", words("point-to-point ethernet yes no"), BAD_STATES),
    Values("FingerprintHash", words("md5 sha256"), BAD_STATES),
    Values("IPQoS", words("af21 cs1 0x10 none throughput", "af21 cs1"), BAD_STATES),
    Values("Port ConnectionAttempts ServerAliveCountMax", NUMBERS, BAD_NUMBERS),
    Values("NumberOfPasswordPrompts CanonicalizeMaxDots", NUMBERS, BAD_NUMBERS),
    Values("RequiredRSASize", words("2048 1024 0"), BAD_NUMBERS),
    Values("StreamLocalBindMask", words("0177 077 0"), words("8 x 01777 -1", "")),
    Values("EscapeChar", words("~ none ^c ^[ x"), words("ab ^ ^ab", "")),
    Values("ConnectTimeout ServerAliveInterval ForwardX11Timeout", TIMES, BAD_TIMES),
    Values("ControlPersist ConnectTimeout", TIMES, BAD_TIMES),
    Values("HostName HostName HostKeyAlias", HOSTS, st.one_of(BAD_WORDS, TOKENS)),
    Values("HostName", words("%h.example %h %%h"), words("%z % %")),
    Values("BindAddress BindInterface", st.one_of(HOSTS, WORDS), BAD_WORDS),
    Values("User User", USERS, words("DOM\\\\eve a;b -x", "", "a b")),
    Values("IdentityFile IdentityFile CertificateFile", PATHS, BAD_PATHS),
    Values("IdentityAgent ForwardAgent ControlPath", PATHS, BAD_PATHS),
    Values("IdentityAgent ForwardAgent", words("SSH_AUTH_SOCK $JUDGE_PATH none"), words("$ $a-b")),
    Values("UserKnownHostsFile", st.lists(PATHS, min_size=1, max_size=2).map(" ".join), BAD_PATHS),
    Values("GlobalKnownHostsFile RevokedHostKeys XAuthLocation", PATHS, BAD_PATHS),
    Values("IdentityFile UserKnownHostsFile ControlPath IdentityAgent", TOKENS, words("%z ${")),
    Values(
        "ProxyCommand ProxyCommand RemoteCommand LocalCommand KnownHostsCommand",
        one(
            "nc %h %p", "none", "NONE", "exec nc %h", "nc # %h", "~/bin/p", "  nc  %%h  ", "none x"
        ),
        one(
            "= nc %n", 'sh -c "x %r"', "'%h", '"%h"', "nc %z", "${JUDGE_ONE} %h", "cmd \\", '"open'
        ),
    ),
    Values(
        "ProxyJump ProxyJump",
        words("gw u@gw gw:2222 u@gw:22 [::1]:22 a,b a,u@b:9,c none NONE ssh://u@gw:22"),
        words("::1 u@ gw:0 gw:99999 a,,b ssh://gw/x ,a @gw %h h a,none gw, [::1 é"),
    ),
    Values(
        "Ciphers",
        words("aes128-ctr aes256-gcm@openssh.com,aes128-ctr +3des-cbc -aes* ^aes256-ctr"),
        words("rot13 +x -x * +* a,,b -*", ""),
    ),
    Values(
        "MACs",
        words("hmac-sha2-256 -hmac-sha1*,umac* +hmac-md5 ^hmac-sha2-512,hmac-sha2-256"),
        words("x +x -x * +hmac* ^ -", ""),
    ),
    Values(
        "KexAlgorithms",
        words("curve25519-sha256 -ecdh* +diffie-hellman-group14-sha1 ^ecdh-sha2-nistp256"),
        words("x +x -x * +ecdh* curve25519-sha256,,x"),
    ),
    Values(
        """
        HostKeyAlgorithms PubkeyAcceptedAlgorithms PubkeyAcceptedKeyTypes
        HostbasedAcceptedAlgorithms CASignatureAlgorithms""",
        words("ssh-ed25519 +ssh-rsa ^rsa-sha2-256 -*cert* -ssh-ed25519,ecdsa* ^rsa*"),
        words("x +x -x * +* -* ssh-ed25519,x ^x"),
    ),
    Values(
        "LocalForward RemoteForward",
        one("8080 localhost:80", "h:1 h:2", "[::1]:1 [::1]:2", "/sock /sock", "*:1 h:2"),
        one("0 h:1", "1 h", "8080 localhost:80 x", "70000 h:1", "1:2:3 h:4", ":1 h:2", "8080", ""),
    ),
    Values("DynamicForward", words("8080 h:1 [::1]:1 *:2"), words("x 70000 1:2:3", "", "1 2")),
    Values("PermitRemoteOpen", words("any none h:1 [::1]:*", "h:1 x:2"), words("h :1", "any h:1")),
    Values(
        "RekeyLimit", one("1G", "1G 1h", "default none", "0 0", "1K 10"), words("15 x 1T -1", "")
    ),
    Values("SendEnv SendEnv", words("LANG LC_* A -LC_* *", "X Y Z"), words("A=b = -* -", "")),
    Values("SetEnv", words("A=b A= B=c=d", "A=b C=d"), words("A =x", "A=b E", "")),
    Values("PreferredAuthentications KbdInteractiveDevices", WORDS, BAD_WORDS),
    Values("IgnoreUnknown", words("Bogus bogus,x-* * b*,use*"), words("!bogus #", "", "a b")),
    Values("LogVerbose", words("a.c:*:1 none *"), BAD_WORDS),
    Values("Protocol Cipher UseRoaming CompressionLevel FallBackToRsh", ANYTHING, ANYTHING),
)
UNKNOWN = words("Bogus UseKeychain X-Own PermitRootLogin Hostt")
