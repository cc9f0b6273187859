// Clocks the Verilated engine and transfers link words, so that a cycle needs no Python call.
// celosia.driver.rtl.verilator compiles this file together with the design's C++ and defines
// LINK_BYTES. celosia.driver.rtl.transport is the only caller.
//
// harness.v registers the inputs: values set here before a clock edge are offered in the cycle that
// begins with the edge. After the edge has been evaluated, the outputs are those of the same cycle;
// the handshakes seen then take effect at the next edge.

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "Vharness.h"
#include "verilated.h"

static_assert(LINK_BYTES >= 1 && LINK_BYTES <= 32 && (LINK_BYTES & (LINK_BYTES - 1)) == 0,
              "LINK_BYTES is a power of two, 1..32");

// Verilator's own handler calls abort(), which would end the Python process.
void vl_fatal(const char* file, int line, const char* hierarchy, const char* message) {
    throw std::runtime_error(std::string(message) + " (" + file + ":" + std::to_string(line) +
                             (hierarchy && *hierarchy ? std::string(", in ") + hierarchy : "") +
                             ")");
}

namespace {

constexpr unsigned kBytes = LINK_BYTES;

// A payload port holds the word's bytes and, in the bit above them, `last`. Ports of up to 64 bits
// are plain integers, wider ones arrays of 32-bit parts, lowest first.
template <typename Port>
inline void put(Port& port, const std::uint8_t* data, bool last) {
    if constexpr (std::is_integral_v<Port>) {
        std::uint64_t word = 0;
        std::memcpy(&word, data, kBytes);
        port = static_cast<Port>(word | std::uint64_t{last} << (8 * kBytes));
    } else {
        std::memcpy(&port[0], data, kBytes);
        port[kBytes / 4] = last;
    }
}

template <typename Port>
inline bool get(const Port& port, std::uint8_t* data) {
    if constexpr (std::is_integral_v<Port>) {
        const std::uint64_t word = port;
        std::memcpy(data, &word, kBytes);
        return word >> (8 * kBytes) & 1;
    } else {
        std::memcpy(data, &port[0], kBytes);
        return port[kBytes / 4] & 1;
    }
}

// True with a probability of `rate` / 65536; xorshift64, so that a seed repeats a run exactly.
struct Stall {
    std::uint64_t state = 1;
    std::uint32_t rate = 0;

    bool operator()() {
        if (!rate) return false;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (state >> 32 & 0xffff) < rate;
    }
};

enum Outcome : int { kDone = 0, kMore = 1, kHung = 2, kFailed = 3 };

struct Report {
    std::uint64_t out_words;  // written by this slice
    std::uint64_t in_words;   // taken by the design since begin()
    std::uint64_t frames;     // received since begin()
    std::uint64_t cycles;     // first input handshake to last output handshake, inclusive
    std::uint64_t clocked;    // clock cycles since create()
};

class Harness {
public:
    Harness(std::uint32_t stall_in, std::uint32_t stall_out, std::uint64_t seed) {
        // Any seed, 0 included, gives two different nonzero states.
        stall_in_ = {(seed * 2 + 1) * 0x9e3779b97f4a7c15u, stall_in};
        stall_out_ = {(seed * 2 + 1) * 0xd1b54a32d192ed03u, stall_out};
        reset();
    }

    ~Harness() { top_.final(); }

    void reset() {
        begin(nullptr, nullptr, 0, 0);
        top_.rst = 1;
        top_.o_ready = 0;
        for (int i = 0; i < 4; ++i) clock();
        top_.rst = 0;
    }

    void begin(const std::uint8_t* in, const std::uint8_t* in_last, std::uint64_t in_words,
               std::uint64_t frames) {
        in_ = in;
        in_last_ = in_last;
        in_words_ = in_words;
        frames_wanted_ = frames;
        taken_ = frames_ = idle_ = first_ = cycles_ = 0;
        started_ = false;
        top_.i_valid = 0;
    }

    Outcome run(std::uint8_t* out, std::uint8_t* out_last, std::uint64_t capacity,
                std::uint64_t max_cycles, std::uint64_t max_idle, Report& report) {
        std::uint64_t written = 0;
        Outcome outcome = kMore;
        for (const std::uint64_t stop = clocked_ + max_cycles;;) {
            if (frames_ >= frames_wanted_ && taken_ == in_words_) {
                outcome = kDone;
                break;
            }
            if (idle_ >= max_idle) {
                outcome = kHung;
                break;
            }
            if (clocked_ == stop || written == capacity) break;

            // A word stays offered until it is taken; a stall only delays the offer.
            if (!top_.i_valid && taken_ < in_words_ && !stall_in_()) {
                put(top_.i_payload, in_ + taken_ * kBytes, in_last_[taken_]);
                top_.i_valid = 1;
            }
            // Words after the last frame asked for stay in the design.
            top_.o_ready = frames_ < frames_wanted_ && !stall_out_();
            clock();

            const bool taking = top_.i_valid && top_.i_ready;
            const bool giving = top_.o_valid && top_.o_ready;
            if (giving) {
                const bool last = get(top_.o_payload, out + written * kBytes);
                out_last[written++] = last;
                frames_ += last;
            }
            if (taking) {
                ++taken_;
                top_.i_valid = 0;
                if (!started_) first_ = clocked_;
                started_ = true;
            }
            if (giving) cycles_ = started_ ? clocked_ - first_ + 1 : 0;
            idle_ = taking || giving ? 0 : idle_ + 1;
        }
        report = {written, taken_, frames_, cycles_, clocked_};
        return outcome;
    }

    std::string error;

private:
    void clock() {
        top_.clk = 0;
        top_.eval();
        top_.clk = 1;
        top_.eval();
        ++clocked_;
    }

    // One context per instance: Verilator keeps time, arguments and $finish there, not in globals.
    VerilatedContext context_;
    Vharness top_{&context_, "harness"};
    Stall stall_in_, stall_out_;
    const std::uint8_t* in_ = nullptr;
    const std::uint8_t* in_last_ = nullptr;
    std::uint64_t in_words_ = 0, frames_wanted_ = 0;
    std::uint64_t taken_ = 0, frames_ = 0, idle_ = 0, first_ = 0, cycles_ = 0, clocked_ = 0;
    bool started_ = false;
};

thread_local std::string create_error;

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

// nullptr when the design cannot be started; celosia_error(nullptr) says why.
API Harness* celosia_create(std::uint32_t stall_in, std::uint32_t stall_out, std::uint64_t seed) {
    try {
        return new Harness(stall_in, stall_out, seed);
    } catch (const std::exception& error) {
        create_error = error.what();
        return nullptr;
    }
}

API void celosia_destroy(Harness* harness) { delete harness; }

API const char* celosia_error(const Harness* harness) {
    return harness ? harness->error.c_str() : create_error.c_str();
}

// Returns an Outcome: kDone or kFailed.
API int celosia_reset(Harness* harness) {
    try {
        harness->reset();
        return kDone;
    } catch (const std::exception& error) {
        harness->error = error.what();
        return kFailed;
    }
}

// The caller owns `in` and `in_last` and must keep them until the exchange has ended.
API void celosia_begin(Harness* harness, const std::uint8_t* in, const std::uint8_t* in_last,
                       std::uint64_t in_words, std::uint64_t frames) {
    harness->begin(in, in_last, in_words, frames);
}

// Run a slice of the exchange; returns an Outcome. kMore: `max_cycles` have passed or `out` is full
// before its end; call again.
API int celosia_run(Harness* harness, std::uint8_t* out, std::uint8_t* out_last,
                    std::uint64_t capacity, std::uint64_t max_cycles, std::uint64_t max_idle,
                    Report* report) {
    try {
        return harness->run(out, out_last, capacity, max_cycles, max_idle, *report);
    } catch (const std::exception& error) {
        harness->error = error.what();
        return kFailed;
    }
}
