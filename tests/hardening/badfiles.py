"""Some hundred files that are wrong or rare, made from small clips and texts; each by a name that says what it is."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FRAMES, RATE = 24, 12
HEIGHT, WIDTH = 48, 64
CONTAINERS = ("mp4", "early.mp4", "mkv", "avi", "ts", "webm")
CODECS = {"avi": "mpeg4", "webm": "libvpx"}
BOXES = (b"mvhd", b"mdhd", b"tkhd", b"stts", b"stsz", b"stco", b"stsc", b"elst", b"ctts", b"stsd", b"avcC")
ENCODINGS = {
    "utf-8": "Größe naïve",
    "utf-8-sig": "Größe naïve",
    "utf-16": "Größe Привет",
    "utf-16-le": "Größe Привет",
    "cp1252": "Größe déjà vu",
    "cp1251": "Привет, как дела? Хорошо",
    "shift_jis": "こんにちは、元気ですか。はい",
    "gb18030": "你好，你今天怎么样？很好",
    "cp1253": "Καλημέρα, τι κάνεις; Καλά",
}


def picture(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Frame `number`: a texture that changes after every eighth, under a bar that moves."""
    blocks = np.random.default_rng(number // 8).integers(0, 256, (4, 4, 3), np.uint8)
    frame = np.kron(blocks, np.ones((-(-height // 4), -(-width // 4), 1), np.uint8))[:height, :width].copy()
    frame[:, number % width : number % width + 1] = 255
    return frame


def clip(
    path: Path,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (HEIGHT, WIDTH),
    times: Sequence[int] | None = None,
    frames: int = FRAMES,
    rate: Fraction | int = RATE,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip; times: when each frame is shown, in milliseconds."""
    how = {"movflags": "faststart"} if ".early." in path.name else {}
    with av.open(str(path), "w", options=how) as container:
        track = container.add_stream(codec, rate=rate, options=options or {})
        track.height, track.width, track.pix_fmt = *size, pix_fmt
        track.gop_size = 8
        if times is not None:
            track.time_base = track.codec_context.time_base = Fraction(1, 1000)
        for number in range(frames if times is None else len(times)):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


def videos(folder: Path) -> Iterator[Path]:
    """Films that are cut, flipped, patched, renamed, odd or none."""
    bases = {kind: clip(folder / f"whole.{kind}", codec=CODECS.get(kind, "libx264")) for kind in CONTAINERS}
    yield from bases.values()
    for kind, base in bases.items():
        data = base.read_bytes()
        for part in range(1, 12):
            yield _written(folder / f"cut{part:02d}.{kind}", data[: len(data) * part // 12])
        for seed in range(10):
            yield _written(folder / f"flipped{seed}.{kind}", flipped(data, seed, 1 + seed**2))
        for head in (4, 16, 64, 512):
            yield _written(folder / f"headless{head}.{kind}", bytes(head) + data[head:])
            yield _written(folder / f"late{head}.{kind}", data[head:])
        yield _written(folder / f"tail.{kind}", data + random.Random(0).randbytes(5000))
        yield _written(folder / f"twice.{kind}", data + data)
        for name in ("jpg", "mp3", "srt", "avi" if kind != "avi" else "mkv", "none"):
            yield _written(folder / f"renamed-{kind.replace('.', '-')}.{name}", data)
    yield from _patched(folder, bases["mp4"].read_bytes())
    yield from _rare(folder)
    yield from _none(folder)


def flipped(data: bytes, seed: int, count: int) -> bytes:
    """Some bits turned over."""
    made, chance = bytearray(data), random.Random(seed)
    for _ in range(count):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _patched(folder: Path, data: bytes) -> Iterator[Path]:
    """An mp4 in whose tables stands nonsense: no rate, no sizes, places beyond the end."""
    for box in BOXES:
        place = data.find(box)
        for name, filling in (("zero", b"\x00"), ("full", b"\xff"), ("one", b"\x00\x00\x00\x01")):
            if place > 0:
                stop = min(place + 4 + 24, len(data))
                length = stop - place - 8
                patch = (filling * length)[:length]
                yield _written(
                    folder / f"{box.decode()}-{name}.mp4", data[: place + 8] + patch + data[place + 8 + length :]
                )


def _rare(folder: Path) -> Iterator[Path]:
    """What is rare, but right: sizes, formats of pixels, times."""
    for size in ((1, 1), (1, 64), (64, 2), (2, 2), (3, 5), (47, 63), (361, 641), (640, 48), (48, 2000), (2, 4096)):
        yield clip(folder / f"size{size[0]}x{size[1]}.mkv", codec="ffv1", pix_fmt="yuv444p", size=size, frames=6)
    yield clip(folder / "8k.mkv", codec="mjpeg", pix_fmt="yuvj420p", size=(4320, 7680), frames=1)
    yield clip(folder / "8k-portrait.mkv", codec="mjpeg", pix_fmt="yuvj420p", size=(7680, 4320), frames=1)
    for pix_fmt in ("yuv420p10le", "yuv422p", "yuv444p", "gray"):
        yield clip(folder / f"{pix_fmt}.mkv", pix_fmt=pix_fmt)
    for pix_fmt in ("bgra", "yuva420p", "gray16le", "yuv444p16le", "gbrp10le", "gray"):
        yield clip(folder / f"ffv1-{pix_fmt}.mkv", codec="ffv1", pix_fmt=pix_fmt)
    yield clip(folder / "picture.gif", codec="gif", pix_fmt="rgb8", frames=5)
    yield clip(folder / "one.mp4", frames=1)
    yield clip(folder / "two.mp4", frames=2)
    for rate in (1, Fraction(1, 60), 1000, Fraction(24000, 1001)):
        yield clip(folder / f"rate{rate.numerator}-{Fraction(rate).denominator}.mkv", rate=rate)
    spread = {
        "uneven": [n * 80 + n % 3 * 25 for n in range(FRAMES)],
        "pause": [n * 40 + 7_200_000 * (n > 11) for n in range(FRAMES)],
        "negative": [n * 40 - 400 for n in range(FRAMES)],
        "late": [n * 40 + 86_400_000 for n in range(FRAMES)],
        "dense": list(range(FRAMES)),
    }
    for name, times in spread.items():
        for kind in ("mkv", "mp4"):
            yield clip(folder / f"{name}.{kind}", times=times)


def _none(folder: Path) -> Iterator[Path]:
    """What calls itself a film and is none."""
    pixel = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(b"\x00\xff\x00\x00")),
            (b"IEND", b""),
        )
    )
    contents = {
        "empty": b"",
        "byte": b"\x00",
        "zeros": bytes(100_000),
        "noise": random.Random(1).randbytes(100_000),
        "letter": b"Dear reader, this is no film.\n" * 100,
        "page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "zip": b"PK\x03\x04" + bytes(200),
        "pdf": b"%PDF-1.7\n" + bytes(200),
        "json": b'{"error": "not found"}',
        "picture": pixel,
        "playlist": b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/film.ts\n",
        "local-playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "dash": b'<?xml version="1.0"?>'
        b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>http://127.0.0.1:9/</BaseURL></MPD>',
        "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "sound": b"RIFF\x24\x08\x00\x00WAVEfmt "
        b"\x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x08\x00\x00"
        + bytes(2048),
        "pickle": b"\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00"
        b"\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
    }
    for name, content in contents.items():
        yield _written(folder / f"none-{name}.mp4", content)
    for name in ("playlist", "local-playlist", "concat", "dash", "sdp"):
        end = {"concat": "ffconcat", "dash": "mpd", "sdp": "sdp"}.get(name, "m3u8")
        yield _written(folder / f"{name}.{end}", contents[name])


def srt(*cues: tuple[str, str, str]) -> str:
    """Subtitles with the times as they are written."""
    return "".join(f"{number}\n{begin} --> {end}\n{text}\n\n" for number, (begin, end, text) in enumerate(cues, 1))


def subtitles(folder: Path) -> Iterator[Path]:
    """Subtitles in nine encodings, with times that can't be, or none at all."""
    head = "[Script Info]\nScriptType: v4.00+\n\n"
    head += "[V4+ Styles]\nFormat: Name\nStyle: D\n\n[Events]\nFormat: Start, End, Text\n"
    for encoding, text in ENCODINGS.items():
        one = srt(("00:00:00,100", "00:00:00,900", text), ("00:00:01,000", "00:00:01,900", text))
        yield _written(folder / f"{encoding}.srt", one.encode(encoding))
        yield _written(folder / f"{encoding}.vtt", ("WEBVTT\n\n" + one.replace(",", ".")).encode(encoding))
        yield _written(folder / f"{encoding}.ass", f"{head}Dialogue: 0:00:00.10,0:00:00.90,{text}\n".encode(encoding))
    good = ("00:00:00,100", "00:00:00,900", "said")
    odd = {
        "negative": srt(("-00:00:05,000", "00:00:01,000", "before")),
        "backwards": srt(("00:00:01,500", "00:00:00,500", "back")),
        "crossing": srt(("00:00:00,000", "00:00:01,500", "one"), ("00:00:00,500", "00:00:02,000", "two")),
        "point": srt(("00:00:01,000", "00:00:01,000", "point")),
        "days": srt(("99:59:59,999", "100:00:00,000", "late")),
        "beyond": srt(("9999999999:00:00,000", "9999999999:00:01,000", "never")),
        "letters": srt(("aa:bb:cc,ddd", "00:00:01,000", "x")),
        "endless": "1\n00:00:00,100 -->\nx\n",
        "unnumbered": "00:00:00,100 --> 00:00:00,900\nx\n",
        "unparted": "1\n00:00:00,100 --> 00:00:00,900\nx\n2\n00:00:01,000 --> 00:00:01,900\ny\n",
        "returns": srt(good).replace("\n", "\r"),
        "marks": "\ufeff\ufeff" + srt(good),
        "nul": srt(("00:00:00,100", "00:00:00,900", "a\x00b")),
        "tags": srt(("00:00:00,100", "00:00:00,900", "<i><b><font color=" * 500 + "x")),
        "script": srt(("00:00:00,100", "00:00:00,900", "<script>alert(1)</script><|im_end|>")),
        "braces": srt(("00:00:00,100", "00:00:00,900", "{\\" * 2000)),
        "silent": srt(("00:00:00,100", "00:00:00,900", "")),
        "line": srt(("00:00:00,100", "00:00:00,900", "word " * 200_000)),
        "webvtt-only": "WEBVTT\n",
        "webvtt-cut": "WEBVTT\n\n00:00.100 --> 00:0",
        "ass-head": head,
        "ass-cut": head + "Dialogue: 0:00:00.10,0:0",
        "microdvd": "{0}{12}said\n{13}{24}more\n",
        "mpl2": "[0][9]said\n[10][19]more\n",
        "tmp": "00:00:00:said\n00:00:01:more\n",
        "lrc": "[00:00.10]said\n[00:01.00]more\n",
        "ttml": '<?xml version="1.0"?>'
        '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="0s" end="1s">x</p></div></body></tt>',
        "entities": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><tt>&b;</tt>',
        "json": '[{"start": 0, "end": 1, "text": "x"}]',
        "page": "<html><body>Not Found</body></html>",
    }
    for name, text in odd.items():
        yield _written(folder / f"odd-{name}.srt", text.encode())
    for name, size in (("noise", 2000), ("noise-large", 2_000_000)):
        yield _written(folder / f"{name}.srt", random.Random(2).randbytes(size))
    yield _written(folder / "zeros.srt", bytes(10_000))
    yield _written(folder / "empty.srt", b"")
    yield _written(folder / "gzip.srt", b"\x1f\x8b\x08" + random.Random(3).randbytes(300))
    whole = srt(good, ("00:00:01,000", "00:00:01,900", "more")).encode()
    for seed in range(12):
        yield _written(folder / f"flipped{seed}.srt", flipped(whole, seed, 1 + seed))
        yield _written(folder / f"cut{seed}.srt", whole[: len(whole) * seed // 12])


def bent_text(data: bytes, seed: int) -> bytes:
    """A text with a few pieces lost, doubled, or exchanged for nonsense."""
    chance, made = random.Random(seed), data
    for _ in range(1 + seed % 3):
        start = chance.randrange(len(made) + 1)
        stop = min(len(made), start + chance.choice((0, 1, 5, 30)))
        pieces = (
            b"",
            made[start:stop] * 3,
            b"-1",
            b"\xff\xfe",
            b"1e99",
            b"null",
            b'"',
            b"[",
            b"{",
            b"9" * 30,
            b"\x00",
            b"x",
        )
        made = made[:start] + chance.choice(pieces) + made[stop:]
    return made


def huge_subtitles(path: Path, size: int = 50_000_000) -> Path:
    """A file of 50 MB, of right subtitles."""
    cue = srt(("00:00:00,100", "00:00:00,900", "the same again and again")).encode()
    return _written(path, cue * (size // len(cue)))


def dumped(value: object) -> bytes:
    """As JSON."""
    return json.dumps(value).encode()
