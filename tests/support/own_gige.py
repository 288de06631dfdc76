"""A GigE Vision camera that a test plays: with chunk data, frames that it never sends, and packets that go astray.

Aravis' own fake camera has none of these. In the terms of the GigE Vision standard it speaks as much as Aravis asks of
a camera: GVCP for its registers, which a GenICam description names, and GVSP for its frames.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

ADDRESS, PORT = "127.0.0.1", 3956
WIDTH, HEIGHT = 64, 16

#: Bootstrap registers of the standard.
CCP, STREAM_PORT, PACKET_SIZE, DESTINATION = 0xA00, 0xD00, 0xD04, 0xD18
#: Our own.
STARTED, CHUNK_MODE, CHUNK_SELECTOR, PAYLOAD, EXPOSURE = 0xF010, 0xF014, 0xF018, 0xF040, 0xF050
CHUNKS = {"FrameID": (0, 0xA1, 8), "Timestamp": (1, 0xA2, 8), "ExposureTime": (2, 0xA3, 8)}
XML_AT = 0x10000

MONO8 = 0x01080001
IMAGE_WITH_CHUNKS, IMAGE = 0x4001, 0x0001


@dataclass(frozen=True)
class Frame:
    """What the camera does with one frame.

    Attributes:
        sent: False for a frame that it takes, and counts, and has no time to send.
        lost: payload packets that do not arrive, from 1.
        exposure_us: as the chunk says it.
    """

    sent: bool = True
    lost: tuple[int, ...] = ()
    exposure_us: float = 2000.0


class OwnGige:
    """The camera, in threads of its own.

    Args:
        frames: what becomes of each frame; after the last one it falls silent.
        chunks: names of the chunks that it has.
        answers_resend: whether packets that are asked for again are sent.
    Attributes:
        asked: how often packets were asked for again.
    """

    def __init__(
        self, frames: Iterable[Frame], chunks: Iterable[str] = tuple(CHUNKS), *, answers_resend: bool = True
    ) -> None:
        self._frames, self._chunks, self._answers = iter(frames), tuple(chunks), answers_resend
        self._memory = bytearray(0x20000)
        self._sent: dict[int, dict[int, bytes]] = {}
        self._enabled: set[int] = set()
        self._on, self.asked = True, 0
        self._fill_bootstrap()
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._control.bind((ADDRESS, PORT))
        self._control.settimeout(0.1)
        self._data = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._data.bind((ADDRESS, 0))
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._answer, self._stream)]
        for thread in self._threads:
            thread.start()

    def kill(self) -> None:
        """Pulls the plug."""
        self._on = False
        for thread in self._threads:
            thread.join(5)
        self._control.close()
        self._data.close()

    def _fill_bootstrap(self) -> None:
        xml = description(self._chunks).encode()
        self._memory[XML_AT : XML_AT + len(xml)] = xml
        texts = {
            0x48: b"FOCUS",
            0x68: b"Own",
            0xD8: b"OWN001",
            0x200: f"Local:own.xml;{XML_AT:x};{len(xml):x}".encode(),
        }
        for at, text in texts.items():
            self._memory[at : at + len(text)] = text
        for at, value in {
            0x0: 0x10002,
            0x24: 0x7F000001,
            0x600: 1,
            0x904: 1,
            0x934: 7,
            0x938: 3000,
            0x940: 10**9,
        }.items():
            self._set(at, value)
        self._set(PACKET_SIZE, 1400)
        self._memory[EXPOSURE : EXPOSURE + 8] = struct.pack(">d", 2000.0)
        self._measure_payload()

    def _get(self, at: int) -> int:
        return int(struct.unpack_from(">I", self._memory, at)[0])

    def _set(self, at: int, value: int) -> None:
        struct.pack_into(">I", self._memory, at, value)

    def _written(self, at: int) -> None:
        """What follows from a new value of a register."""
        value, selected = self._get(at), self._get(CHUNK_SELECTOR)
        if at == CHUNK_SELECTOR + 4:
            (self._enabled.add if value else self._enabled.discard)(selected)
        if at == CHUNK_SELECTOR:
            self._set(CHUNK_SELECTOR + 4, int(selected in self._enabled))
        self._measure_payload()

    def _measure_payload(self) -> None:
        chunks = 8 + sum(16 for _ in self._active()) if self._get(CHUNK_MODE) else 0
        self._set(PAYLOAD, WIDTH * HEIGHT + chunks)

    def _active(self) -> Iterator[str]:
        return (name for name, (number, _, _) in CHUNKS.items() if number in self._enabled)

    def _answer(self) -> None:
        while self._on:
            try:
                packet, peer = self._control.recvfrom(2048)
            except TimeoutError:
                continue
            _, _, command, _, number = struct.unpack_from(">BBHHH", packet)
            answer = self._answer_to(command, packet[8:])
            if answer is not None:
                self._control.sendto(struct.pack(">HHHH", 0, command + 1, len(answer), number) + answer, peer)

    def _answer_to(self, command: int, asked: bytes) -> bytes | None:
        if command == 0x02:  # discovery
            return bytes(self._memory[:0xF8])
        if command == 0x80:  # read registers
            return b"".join(self._memory[at : at + 4] for (at,) in struct.iter_unpack(">I", asked))
        if command == 0x82:  # write registers
            for at, value in struct.iter_unpack(">II", asked):
                self._set(at, value)
                self._written(at)
            return struct.pack(">HH", 0, len(asked) // 8)
        if command == 0x84:  # read memory
            at, _, count = struct.unpack(">IHH", asked)
            return asked[:4] + bytes(self._memory[at : at + count])
        if command == 0x86:  # write memory
            (at,) = struct.unpack_from(">I", asked)
            self._memory[at : at + len(asked) - 4] = asked[4:]
            self._written(at)
            return struct.pack(">HH", 0, len(asked) - 4)
        if command == 0x40:  # send packets again
            self.asked += 1
            _, block, first, last = struct.unpack_from(">HHII", asked)
            packets = self._sent.get(block, {}) if self._answers else {}
            for packet in range(first & 0xFFFFFF, (last & 0xFFFFFF) + 1):
                if packet in packets:
                    self._send(packets[packet])
        return None

    def _stream(self) -> None:
        block = 0
        for counted, frame in enumerate(self._frames, 1000):
            while self._on and not self._get(STARTED):
                time.sleep(0.01)
            if not self._on:
                return
            time.sleep(0.01)
            if frame.sent:
                block = block % 0xFFFF + 1
                self._send_frame(block, counted, frame)

    def _send_frame(self, block: int, counted: int, frame: Frame) -> None:
        content = np.full((HEIGHT, WIDTH), counted % 251, np.uint8).tobytes()
        chunked = bool(self._get(CHUNK_MODE))
        if chunked:
            content += struct.pack(">II", 1, WIDTH * HEIGHT)
            said = {"FrameID": counted, "Timestamp": counted * 10**7}
            for name in self._active():
                value = (
                    struct.pack(">d", frame.exposure_us) if name == "ExposureTime" else struct.pack(">Q", said[name])
                )
                content += value + struct.pack(">II", CHUNKS[name][1], 8)
        kind = IMAGE_WITH_CHUNKS if chunked else IMAGE
        size = (self._get(PACKET_SIZE) & 0xFFFF) - 36
        leader = struct.pack(">HHIIIIIIIHH", 0, kind, 0, counted, MONO8, WIDTH, HEIGHT, 0, 0, 0, 0)
        parts = [content[at : at + size] for at in range(0, len(content), size)]
        packets = [(1, leader), *((3, part) for part in parts), (2, struct.pack(">HHI", 0, kind, HEIGHT))]
        framed = {at: struct.pack(">HHI", 0, block, form << 24 | at) + part for at, (form, part) in enumerate(packets)}
        self._sent = {**dict(list(self._sent.items())[-7:]), block: framed}
        for at, packet in framed.items():
            if at not in frame.lost:
                self._send(packet)

    def _send(self, packet: bytes) -> None:
        self._data.sendto(packet, (socket.inet_ntoa(struct.pack(">I", self._get(DESTINATION))), self._get(STREAM_PORT)))


def description(chunks: tuple[str, ...]) -> str:
    """The camera in GenICam's words."""

    def integer(name: str, at: int, length: int = 4, port: str = "Device", kind: str = "IntReg") -> str:
        sign = "<Sign>Unsigned</Sign>" if kind == "IntReg" else ""
        return (
            f'<{kind} Name="{name}"><Address>{at:#x}</Address><Length>{length}</Length><AccessMode>RW</AccessMode>'
            f"<pPort>{port}</pPort><Cachable>NoCache</Cachable>{sign}<Endianess>BigEndian</Endianess></{kind}>"
        )

    nodes = [
        '<Port Name="Device"/>',
        '<Command Name="AcquisitionStart"><pValue>StartedReg</pValue><CommandValue>1</CommandValue></Command>',
        '<Command Name="AcquisitionStop"><pValue>StartedReg</pValue><CommandValue>0</CommandValue></Command>',
        integer("StartedReg", STARTED),
        f'<Integer Name="Width"><Value>{WIDTH}</Value></Integer>',
        f'<Integer Name="Height"><Value>{HEIGHT}</Value></Integer>',
        f'<Integer Name="PixelFormatValue"><Value>{MONO8}</Value></Integer>',
        '<Enumeration Name="PixelFormat"><EnumEntry Name="Mono8">'
        f"<Value>{MONO8}</Value></EnumEntry><pValue>PixelFormatValue</pValue></Enumeration>",
        integer("PayloadSize", PAYLOAD),
        integer("ExposureTime", EXPOSURE, 8, kind="FloatReg"),
        integer("GevSCPSPacketSize", PACKET_SIZE),
    ]
    if chunks:
        entries = "".join(f'<EnumEntry Name="{name}"><Value>{CHUNKS[name][0]}</Value></EnumEntry>' for name in chunks)
        nodes += [
            integer("ChunkModeReg", CHUNK_MODE),
            '<Boolean Name="ChunkModeActive"><pValue>ChunkModeReg</pValue></Boolean>',
            integer("ChunkSelectorReg", CHUNK_SELECTOR),
            f'<Enumeration Name="ChunkSelector">{entries}<pValue>ChunkSelectorReg</pValue></Enumeration>',
            integer("ChunkEnableReg", CHUNK_SELECTOR + 4),
            '<Boolean Name="ChunkEnable"><pValue>ChunkEnableReg</pValue></Boolean>',
        ]
        for name in chunks:
            _, number, length = CHUNKS[name]
            kind = "FloatReg" if name == "ExposureTime" else "IntReg"
            nodes += [
                f'<Port Name="Port{name}"><ChunkID>{number:x}</ChunkID></Port>',
                integer(f"Chunk{name}", 0, length, f"Port{name}", kind),
            ]
    return (
        '<?xml version="1.0"?><RegisterDescription ModelName="Own" VendorName="FOCUS" StandardNameSpace="GEV" '
        'SchemaMajorVersion="1" SchemaMinorVersion="1" SchemaSubMinorVersion="0" MajorVersion="1" MinorVersion="0" '
        'SubMinorVersion="0" ProductGuid="0" VersionGuid="0" xmlns="http://www.genicam.org/GenApi/Version_1_1">'
        + "".join(nodes)
        + "</RegisterDescription>"
    )
