"""A pjsua2 end as a process of its own: commands are JSON lines on stdin, what happens is JSON lines on stdout.

PJSIP is under the GPL: nothing of ours may import it, and this file imports nothing of ours. It is started by its path,
with its settings as the one argument (JSON). Each command has an `id`, and is answered by a line with the same `id`.
"""

import functools
import json
import os
import select
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pjsua2 as pj

_TRANSPORTS = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}
_SRTP = {"no": pj.PJMEDIA_SRTP_DISABLED, "optional": pj.PJMEDIA_SRTP_OPTIONAL, "mandatory": pj.PJMEDIA_SRTP_MANDATORY}
_PRACK = {"no": pj.PJSUA_100REL_NOT_USED, "supported": pj.PJSUA_100REL_OPTIONAL, "require": pj.PJSUA_100REL_MANDATORY}
_DTMF = {pj.PJSUA_DTMF_METHOD_RFC2833: "rfc4733", pj.PJSUA_DTMF_METHOD_SIP_INFO: "info"}
_MEDIA = {
    pj.PJSUA_CALL_MEDIA_NONE: "none",
    pj.PJSUA_CALL_MEDIA_ACTIVE: "active",
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "local hold",
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "remote hold",
    pj.PJSUA_CALL_MEDIA_ERROR: "error",
}


_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # PJSIP greets on standard output before its log can be sent elsewhere


def say(**what: Any) -> None:
    _answers.write(json.dumps(what) + "\n")
    _answers.flush()


def told(callback: Callable[..., None]) -> Callable[..., None]:
    """PJSUA2 drops what a callback of Python's raises: whoever waits for its line would never know."""

    @functools.wraps(callback)
    def wrapped(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:
            say(event="broken", trace=traceback.format_exc())

    return wrapped


class Call(pj.Call):  # type: ignore[misc]
    """Tells what happens to it; while its media flows it hears the end's tone and is written to a WAV of its own."""

    def __init__(self, end: "End", call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(end.account, call_id)
        self.end = end
        self.recorder: pj.AudioMediaRecorder | None = None

    @property
    def number(self) -> int:
        return int(self.getId())

    @told
    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        say(event="state", call=info.id, state=info.stateText, code=info.lastStatusCode, reason=info.lastReason)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.end.gone.append(self)

    @told
    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()  # by a name: what it holds dies with it
        for media in info.media:
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            codec = protocol = ""
            if media.status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD):
                self._connect(self.getAudioMedia(media.index))
                stream = self.getStreamInfo(media.index)
                codec, protocol = f"{stream.codecName}/{stream.codecClockRate}", self._protocol(stream.proto)
            say(event="media", call=self.number, status=_MEDIA[media.status], codec=codec, protocol=protocol)

    def _protocol(self, proto: int) -> str:
        return "SRTP" if proto & pj.PJMEDIA_TP_PROFILE_SRTP else "RTP"

    def _connect(self, audio: Any) -> None:
        if self.recorder is None:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(str(self.end.recording(self.number)))
        self.end.tone.startTransmit(audio)
        audio.startTransmit(self.recorder)

    @told
    def onDtmfDigit(self, prm: Any) -> None:
        say(event="dtmf", call=self.number, digit=prm.digit, method=_DTMF.get(prm.method, str(prm.method)))

    @told
    def onCallTransferRequest(self, prm: Any) -> None:
        say(event="transfer request", call=self.number, to=prm.dstUri)

    @told
    def onCallTransferStatus(self, prm: Any) -> None:
        say(event="transfer status", call=self.number, code=prm.statusCode, final=bool(prm.finalNotify))

    @told
    def onCallReplaced(self, prm: Any) -> None:
        say(event="replaced", call=self.number, by=prm.newCallId)


class Account(pj.Account):  # type: ignore[misc]
    def __init__(self, end: "End") -> None:
        super().__init__()
        self.end = end

    @told
    def onIncomingCall(self, prm: Any) -> None:
        call = Call(self.end, prm.callId)
        self.end.calls[prm.callId] = call
        info = call.getInfo()
        say(event="incoming", call=prm.callId, caller=info.remoteUri, called=info.localUri, message=prm.rdata.wholeMsg)


class End:
    """One user agent: an address, a transport, no sound device, a tone for whoever listens."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.calls: dict[int, Call] = {}
        self.gone: list[Call] = []
        self.recordings = 0
        self.stopped = False
        self.core = pj.Endpoint()
        self.core.libCreate()
        self.core.libInit(self._core_settings())
        self._listen()
        self.core.libStart()
        self.core.audDevManager().setNullDev()
        self.account = Account(self)
        self.account.create(self._account_settings())
        self.tone = pj.ToneGenerator()
        self.tone.createToneGenerator(8000, 1)
        steady = pj.ToneDesc()
        steady.freq1, steady.on_msec, steady.off_msec = settings["tone"], 1000, 0
        tones = pj.ToneDescVector()
        tones.append(steady)
        self.tone.play(tones, True)

    def _core_settings(self) -> Any:
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0  # all is done in this thread, from `run`
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.userAgent = "pjsua2"
        config.medConfig.clockRate = 8000
        config.medConfig.ecTailLen = 0
        config.medConfig.noVad = True
        config.logConfig.level = 5
        config.logConfig.consoleLevel = 0
        config.logConfig.filename = self.settings["log"]
        return config

    def _listen(self) -> None:
        """By one transport, so that nothing leaves by another: where there is TCP, large requests do."""
        config = pj.TransportConfig()
        config.boundAddress, config.port = self.settings["host"], 5060
        if self.settings["transport"] == "tls":
            config.port = 5061
            tls = config.tlsConfig
            tls.CaListFile, tls.certFile, tls.privKeyFile = (self.settings[key] for key in ("ca", "certificate", "key"))
            tls.verifyServer = tls.verifyClient = tls.requireClientCert = True
        self.core.transportCreate(_TRANSPORTS[self.settings["transport"]], config)

    def _account_settings(self) -> Any:
        config = pj.AccountConfig()
        config.idUri = f"sip:{self.settings['number']}@{self.settings['host']}"
        config.sipConfig.contactForced = self.settings["contact"]
        config.mediaConfig.srtpUse = _SRTP[self.settings["srtp"]]
        config.mediaConfig.srtpSecureSignaling = 0  # the keys may go by UDP too: what they pass is ours
        suite = pj.SrtpCrypto()
        suite.name, suite.key, suite.flags = "AES_CM_128_HMAC_SHA1_80", "", 0
        config.mediaConfig.srtpOpt.cryptos.append(suite)
        config.mediaConfig.transportConfig.boundAddress = self.settings["host"]
        config.callConfig.prackUse = _PRACK[self.settings["prack"]]
        config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_OPTIONAL
        return config

    def recording(self, call: int) -> Path:
        self.recordings += 1
        path = Path(self.settings["recordings"]) / f"{self.recordings}.wav"
        say(event="recording", call=call, path=str(path))
        return path

    # ---------------------------------------------------------------------------------------- commands

    def do_dial(self, uri: str, offer: bool = True) -> dict[str, Any]:
        call = Call(self)
        call.makeCall(uri, self._how(flag=0 if offer else pj.PJSUA_CALL_NO_SDP_OFFER))
        self.calls[call.number] = call
        return {"call": call.number}

    def do_answer(self, call: int, code: int = 200) -> None:
        prm = self._how()
        prm.statusCode = code
        self.calls[call].answer(prm)

    def do_hangup(self, call: int, code: int = 0) -> None:
        prm = self._how()
        prm.statusCode = code
        self.calls[call].hangup(prm)

    def do_hold(self, call: int) -> None:
        self.calls[call].setHold(self._how())

    def do_resume(self, call: int, offer: bool = True) -> None:
        none = 0 if offer else pj.PJSUA_CALL_NO_SDP_OFFER
        self.calls[call].reinvite(self._how(flag=pj.PJSUA_CALL_UNHOLD | none))

    def do_update(self, call: int) -> None:
        self.calls[call].update(self._how())

    def do_codecs(self, names: list[str]) -> None:
        """Those that are named, in this order, and no other."""
        for info in self.core.codecEnum2():
            at = next((index for index, name in enumerate(names) if info.codecId.startswith(name)), None)
            self.core.codecSetPriority(info.codecId, 0 if at is None else 200 - at)

    def do_dtmf(self, call: int, digits: str, by: str) -> None:
        prm = pj.CallSendDtmfParam()
        prm.digits, prm.duration = digits, 100
        prm.method = next(method for method, name in _DTMF.items() if name == by)
        self.calls[call].sendDtmf(prm)

    def do_transfer(self, call: int, to: str) -> None:
        self.calls[call].xfer(to, pj.CallOpParam())

    def do_attended_transfer(self, call: int, to_call: int) -> None:
        self.calls[call].xferReplaces(self.calls[to_call], pj.CallOpParam())

    def do_stop(self) -> None:
        self.stopped = True

    def _how(self, flag: int = 0) -> Any:
        prm = pj.CallOpParam(True)
        prm.opt.audioCount, prm.opt.videoCount = 1, 0
        prm.opt.flag = flag
        return prm

    # ---------------------------------------------------------------------------------------- running

    def run(self) -> None:
        say(event="ready", version=self.core.libVersion().full)
        heard = b""
        while not self.stopped:
            self.core.libHandleEvents(10)
            self.gone.clear()  # not inside a callback: it would be destroyed under its caller's feet
            if select.select([0], [], [], 0)[0]:
                more = os.read(0, 65536)
                if not more:  # whoever started us is gone
                    return
                *lines, heard = (heard + more).split(b"\n")
                for line in lines:
                    self._command(json.loads(line))

    def _command(self, told: dict[str, Any]) -> None:
        command, answer_to = told.pop("do"), told.pop("id")
        function: Callable[..., dict[str, Any] | None] = getattr(self, f"do_{command}")
        try:
            say(id=answer_to, **(function(**told) or {}))
        except pj.Error as error:
            say(id=answer_to, error=error.info())


if __name__ == "__main__":
    End(json.loads(sys.argv[1])).run()
    os._exit(0)  # its destructors want an order that the interpreter's end doesn't keep
