"""The testbench's text and its data files."""

from celosia.testbench.frames import Recording

__all__ = ["testbench"]

#: Cycles without a word in either direction after which the testbench gives up.
_PATIENCE = 5_000_000


def testbench(recording: Recording, top: str) -> dict[str, str]:
    """Texts of files by name: ``TOP_tb.v``, and the words that it reads with ``$readmemh``.

    Every response word is compared with the golden model's. For each image the class is printed,
    the number of the largest output byte (signed, the first of equals). The last line begins with
    PASS or FAIL. The testbench is Verilog-2005 and runs where the data files are:

        iverilog -g2005 -o tb TOP_tb.v TOP.v && ./tb
        verilator --binary --timing -Wno-fatal TOP_tb.v TOP.v && obj_dir/VTOP_tb
    """
    given, wanted = _words(recording, recording.requests), _words(recording, recording.responses)
    longest = max(map(len, recording.responses))
    places = "\n".join(f"      {c}: place = {at};" for c, at in enumerate(recording.places))
    text = _TEXT.format(
        top=top, bits=8 * recording.link_bytes, given=len(given), wanted=len(wanted),
        bytes=recording.link_bytes, longest=longest, loading=recording.loading,
        flipped=recording.flipped, classes=len(recording.places), places=places, patience=_PATIENCE,
        checked=sum(map(len, recording.responses)),
    )  # fmt: skip
    return {
        f"{top}_tb.v": text,
        f"{top}_tb_in.hex": "\n".join(given) + "\n",
        f"{top}_tb_out.hex": "\n".join(wanted) + "\n",
    }


def _words(recording: Recording, frames: list[bytes]) -> list[str]:
    """Link words in hexadecimal, with the mark of a frame's last word above each."""
    size, words = recording.link_bytes, []
    for frame in frames:
        for start in range(0, len(frame), size):
            word = int.from_bytes(frame[start : start + size], "little")
            last = int(start + size == len(frame))
            words.append(f"{last << 8 * size | word:x}")
    return words


_TEXT = """\
// Testbench of {top}: loads a program, runs its inputs, and compares every response word with
// what Celosia's golden model gives. Reads {top}_tb_in.hex and {top}_tb_out.hex.
`timescale 1ns / 1ps
module {top}_tb;
  localparam GIVEN = {given};      // request words
  localparam WANTED = {wanted};    // response words
  localparam BYTES = {bytes};      // bytes of a word
  localparam LOADING = {loading};  // responses before those to images
  localparam CLASSES = {classes};  // output bytes of an image
  localparam [7:0] FLIPPED = 8'h{flipped:02x};  // bits of such a byte that are inverted

  reg clk = 0, rst = 1;
  reg [{bits}:0] given [0:GIVEN-1];    // bit {bits} marks the last word of a frame
  reg [{bits}:0] wanted [0:WANTED-1];
  reg [{bits}:0] request = 0;
  reg valid = 0;
  wire ready;
  wire [{bits}:0] response;
  wire response_valid;

  {top} dut (
    .clk(clk), .rst(rst),
    .i__payload(request), .i__valid(valid), .i__ready(ready),
    .o__payload(response), .o__valid(response_valid), .o__ready(1'b1)
  );

  // Where in a response the byte of output c is.
  function integer place(input integer c);
    case (c)
{places}
      default: place = 0;
    endcase
  endfunction

  integer sent = 0, got = 0, frames = 0, at = 0, errors = 0, idle = 0, cycles = 0;
  integer b, c, best;
  reg [7:0] bytes [0:{longest}-1];
  reg finished = 0;

  initial begin
    $readmemh("{top}_tb_in.hex", given);
    $readmemh("{top}_tb_out.hex", wanted);
  end
  always #5 clk = !clk;

  always @(posedge clk) begin
    cycles = cycles + 1;
    if (cycles == 4) rst <= 0;
    idle = idle + 1;
    if (!rst && (!valid || ready)) begin
      if (sent < GIVEN) begin
        request <= given[sent];
        sent = sent + 1;
        idle = 0;
        valid <= 1;
      end else valid <= 0;
    end
    if (!rst && response_valid && !finished) begin
      idle = 0;
      if (response !== wanted[got]) begin
        if (errors < 10)
          $display("word %0d of response %0d: %h, not %h", at / BYTES, frames, response,
            wanted[got]);
        errors = errors + 1;
      end
      for (b = 0; b < BYTES; b = b + 1) bytes[at + b] = response[8*b +: 8];
      at = at + BYTES;
      got = got + 1;
      if (response[{bits}]) begin
        if (frames >= LOADING) begin
          best = 0;
          for (c = 1; c < CLASSES; c = c + 1)
            if ($signed(bytes[place(c)] ^ FLIPPED) > $signed(bytes[place(best)] ^ FLIPPED))
              best = c;
          $display("input %0d: class %0d", frames - LOADING, best);
        end
        frames = frames + 1;
        at = 0;
      end
      if (got == WANTED) begin
        finished = 1;
        if (errors == 0) $display("PASS: all {checked} bytes are equal, %0d cycles", cycles);
        else $display("FAIL: %0d of %0d words differ", errors, WANTED);
        $finish;
      end
    end
    if (idle > {patience} && !finished) begin
      finished = 1;
      $display("FAIL: no word for {patience} cycles, %0d of %0d received", got, WANTED);
      $finish;
    end
  end
endmodule
"""
