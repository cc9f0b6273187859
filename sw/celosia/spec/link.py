"""The host link: frames of words in, frames of words out.

A *frame* is a run of link words, the final one marked `last`. A request frame is the `REQUEST`
header followed by the command's payload; a response frame is the payload followed by the
`TRAILER`. Header and trailer fill whole link words, zero-padded. Every request gets exactly one
response, in order. A request that is refused changes nothing, with two exceptions: a WRITE whose
frame is too short or too long has stored the whole records that came, and its response says how
many; and an INFER that is refused may have stored words of its input in its input bank. The frame
of a refused request is read to its end, so the link stays in step.

An engine does what its program says, and status OK says that the program has ended, not that it
made sense. The results are undefined, and may be those of another run's input, when a program

- reads activation words that neither the run's input nor its layers have written,
- stores results in the input banks, words 0 to ``2 * count - 1`` of each row, where the next
  request's input may be already.

The compiler makes no such program.
"""

from enum import IntEnum, IntFlag

from .fields import Field, Layout
from .maps import ADDRESS_BITS

__all__ = [
    "CHECKSUM",
    "COUNTERS",
    "IDENTITY",
    "INPUT_LAYOUT",
    "MAGIC",
    "REQUEST",
    "TRAILER",
    "VERSION",
    "InferFlag",
    "Memory",
    "Opcode",
    "Status",
]

#: First field of `IDENTITY`: "CELO" in ASCII, little endian.
MAGIC = int.from_bytes(b"CELO", "little")
#: Version of link protocol and descriptors together.
VERSION = 6


class Opcode(IntEnum):
    """What a request asks for."""

    #: Who is there: the payload of the response is `IDENTITY`.
    IDENTIFY = 1
    #: Performance counters: the payload is `COUNTERS`. `arg` 1 clears them after reading.
    COUNTERS = 2
    #: Write `count` records of memory `arg` from `address`; they are the payload.
    WRITE = 3
    #: Read `count` records of memory `arg` from `address`; they are the response's payload.
    READ = 4
    #: Run the program at descriptor `address` on `arg & 31` + 1 images of `count` activation words.
    #: The payload is, for each word, that word of every image; each is padded to link words.
    #: The response's payload is every emitted tile: for each word of the tile, that word of every
    #: image asked for.
    INFER = 5
    #: Abandon the runs in flight: a response already begun ends with ABORTED, the others in flight
    #: are never answered. Memories and counters keep their contents. A host that does not know
    #: where in a frame the link stands sends one word marked `last` first, which ends any frame.
    RESET = 6
    #: Sum up `count` records of memory `arg` from `address`: the payload is `CHECKSUM`. Refused as
    #: READ is. Of engines with `Config.checksum`; to others it is an unknown opcode.
    CHECKSUM = 7


class InferFlag(IntFlag):
    """`arg` of an INFER: the number of images and, above it, flags."""

    #: Bits of the number of images less one.
    IMAGES_MASK = 31
    #: The payload is one image of `count` activation words; each goes to every row in whose range
    #: it lies, which `INPUT_LAYOUT` says. Of engines with convolution.
    STRIPES = 32
    #: Multiply zero bytes too, for measurements.
    NO_SKIP = 128


class Memory(IntEnum):
    """A memory of the engine, `arg` of WRITE and READ."""

    #: `Config.cols` bytes a record: the weights of one k for as many channels.
    WEIGHTS = 0
    #: `Config.requantizers` `PARAMETER`s a record.
    PARAMS = 1
    #: One `DESCRIPTOR` a record.
    PROGRAM = 2
    #: One byte a record, entry `address % 256` of table `address / 256`.
    TABLES = 3
    #: Read only; record = row * act_depth + word.
    ACTIVATIONS = 4
    #: One `INPUT_LAYOUT`. Of engines with convolution.
    LAYOUT = 5


class Status(IntEnum):
    """How a request ended."""

    #: Done.
    OK = 0
    #: `opcode` is none of `Opcode`.
    UNKNOWN_OPCODE = 1
    #: `arg` is none of `Memory`, or WRITE to one that is read only.
    UNKNOWN_MEMORY = 2
    #: `address` + `count` lies outside the memory, or the input does not fit twice.
    OUT_OF_RANGE = 3
    #: `count` is 0.
    EMPTY = 4
    #: The images asked for exceed the rows.
    TOO_MANY_IMAGES = 5
    #: The frame ended early. `count` tells the whole records that a WRITE had stored.
    TRUNCATED = 6
    #: The frame went on after its payload. A WRITE has stored all its records.
    OVERLONG = 7
    #: The program ran into an illegal descriptor; `info` is its address.
    BAD_DESCRIPTOR = 8
    #: A RESET ended the run.
    ABORTED = 9


REQUEST = Layout(
    "request",
    8,
    (
        Field("opcode", 8, "an `Opcode`"),
        Field("arg", 8, "see `Opcode`"),
        Field("address", 24, "first record or descriptor"),
        Field("count", 24, "records, or activation words per image"),
    ),
)

TRAILER = Layout(
    "trailer",
    8,
    (
        Field("status", 8, "a `Status`"),
        Field("opcode", 8, "opcode of the request, 0 when its header was truncated"),
        Field("info", 24, "detail of the status, else 0"),
        Field("count", 24, "records stored, read, summed or emitted; 0 when refused"),
    ),
)

IDENTITY = Layout(
    "identity",
    32,
    (
        Field("magic", 32, "`MAGIC`"),
        Field("version", 16, "`VERSION`"),
        Field("rows", 8, "`Config.rows`"),
        Field("cols", 16, "`Config.cols`"),
        Field("lanes", 16, "`Config.lanes`"),
        Field("link_bytes", 8, "`Config.link_bytes`"),
        Field("weight_depth", 24, "`Config.weight_depth`"),
        Field("param_depth", 24, "`Config.param_depth`"),
        Field("program_depth", 16, "`Config.program_depth`"),
        Field("act_depth", 24, "`Config.act_depth`"),
        Field("tables", 8, "`Config.tables`"),
        Field("requantizers", 16, "`Config.requantizers`"),
        Field("counter_bits", 8, "`Config.counter_bits`"),
        Field("requantizer_cycles", 8, "`Config.requantizer_cycles`"),
        Field("ops", 16, "bit `Op` is set for each operation the engine has"),
        Field("checksum", 8, "`Config.checksum`"),
    ),
)

INPUT_LAYOUT = Layout(
    "input_layout",
    6,
    (
        Field(
            "row_words",
            ADDRESS_BITS,
            "words from a row's first word to the next row's, D",
        ),
        Field("halo", ADDRESS_BITS, "words before a row's own that it keeps too, H"),
        Field("length", ADDRESS_BITS, "words that a row keeps, L; an input bank has as many"),
    ),
)

CHECKSUM = Layout(
    "checksum",
    4,
    (Field("crc32", 32, "CRC-32 (zlib's) of the payload that READ of these records answers"),),
)

COUNTERS = Layout(
    "counters",
    64,
    (
        Field("cycles", 48, "cycles since reset or the last clear"),
        Field("busy", 48, "cycles in which a layer was in flight"),
        Field("issued", 48, "k issued to the array"),
        Field("skipped", 48, "k skipped because their byte is 0 in every row"),
        Field("stall_input", 48, "cycles idle while an input was being received"),
        Field("stall_output", 48, "cycles the drain waited for the host to take results"),
        Field("stall_drain", 48, "cycles the array waited for the drain"),
        Field("stall_data", 48, "cycles the feeder waited for the results of the layer before"),
        Field("images", 48, "images computed; where images follow each other in a row, rows"),
    ),
)
