// Records what the engine does at its pins, cycle by cycle. bench.mutate.simulation is the only
// caller.

#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "Vharness.h"
#include "verilated.h"

// Verilator's own handler would end the process.
void vl_fatal(const char*, int, const char*, const char* message) {
    throw std::runtime_error(message);
}

namespace {

constexpr unsigned kBytes = LINK_BYTES;

// A payload port holds the word's bytes and, in the bit above them, `last`.
template <typename Port>
void put(Port& port, const std::uint8_t* data, bool last) {
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
bool get(const Port& port, std::uint8_t* data) {
    if constexpr (std::is_integral_v<Port>) {
        const std::uint64_t word = port;
        std::memcpy(data, &word, kBytes);
        return word >> (8 * kBytes) & 1;
    } else {
        std::memcpy(data, &port[0], kBytes);
        return port[kBytes / 4] & 1;
    }
}

// The pins in one cycle. An output payload without `valid` is 0 here: it has no meaning.
struct Cycle {
    std::uint8_t in[kBytes], out[kBytes];
    std::uint8_t rst, i_valid, i_last, o_ready;
    std::uint8_t i_ready, o_valid, o_last;
};

// One engine. Its memories and registers begin as zeros.
class Engine {
public:
    ~Engine() { top_->final(); }

    // One cycle with the inputs of `cycle`; its outputs are filled in.
    void clock(Cycle& cycle) {
        top_->rst = cycle.rst;
        top_->i_valid = cycle.i_valid;
        put(top_->i_payload, cycle.in, cycle.i_last);
        top_->o_ready = cycle.o_ready;
        top_->clk = 0;
        top_->eval();
        top_->clk = 1;
        top_->eval();
        cycle.i_ready = top_->i_ready;
        cycle.o_valid = top_->o_valid;
        cycle.o_last = 0;
        std::memset(cycle.out, 0, kBytes);
        if (cycle.o_valid) cycle.o_last = get(top_->o_payload, cycle.out);
    }

private:
    VerilatedContext context_;
    std::unique_ptr<Vharness> top_ = std::make_unique<Vharness>(&context_, "harness");
};

struct Random {
    std::uint64_t state;
    bool below(std::uint32_t rate) {  // with a probability of rate / 65536
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (state >> 32 & 0xffff) < rate;
    }
};

class Recorder {
public:
    explicit Recorder(std::uint64_t seed) : random_{seed * 2 + 1} {}

    // Offer `words`, and clock until all are taken, `frames` frames have come and then nothing for
    // `idle` cycles; at most `most` cycles. Returns the words that came, 0 for too many cycles.
    bool exchange(const std::uint8_t* words, const std::uint8_t* last, std::uint64_t count,
                  std::uint64_t frames, std::uint32_t stall_in, std::uint32_t stall_out,
                  std::uint64_t idle, std::uint64_t most) {
        std::uint64_t taken = 0, quiet = 0, got = 0;
        bool offered = false;
        answer.clear();
        answer_last.clear();
        for (std::uint64_t n = 0; n < most; ++n) {
            if (taken == count && got >= frames && quiet >= idle) return true;
            Cycle cycle{};
            offered = offered || (taken < count && !random_.below(stall_in));
            if (offered) {
                cycle.i_valid = 1;
                std::memcpy(cycle.in, words + taken * kBytes, kBytes);
                cycle.i_last = last[taken];
            }
            cycle.o_ready = !random_.below(stall_out);
            step(cycle);
            const bool giving = cycle.o_valid && cycle.o_ready;
            if (giving) {
                answer.insert(answer.end(), cycle.out, cycle.out + kBytes);
                answer_last.push_back(cycle.o_last);
                got += cycle.o_last;
            }
            const bool taking = offered && cycle.i_ready;
            taken += taking;
            offered = offered && !taking;
            quiet = taking || giving ? 0 : quiet + 1;
        }
        return false;
    }

    // Pull the reset pin.
    void reset(std::uint64_t cycles) {
        for (std::uint64_t n = 0; n < cycles; ++n) {
            Cycle cycle{};
            cycle.rst = 1;
            step(cycle);
        }
    }

    std::vector<Cycle> cycles;
    std::vector<std::uint8_t> answer, answer_last;

private:
    void step(Cycle& cycle) {
        engine_.clock(cycle);
        cycles.push_back(cycle);
    }

    Engine engine_;
    Random random_;
};

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API Recorder* mutate_create(std::uint64_t seed) { return new Recorder(seed); }
// Everything recorded, and its size in bytes.
API const void* mutate_recorded(const Recorder* recorder, std::uint64_t* size) {
    *size = recorder->cycles.size() * sizeof(Cycle);
    return recorder->cycles.data();
}
API void mutate_destroy(Recorder* recorder) { delete recorder; }
API std::uint64_t mutate_cycles(const Recorder* recorder) { return recorder->cycles.size(); }
API void mutate_reset(Recorder* recorder, std::uint64_t cycles) { recorder->reset(cycles); }
API int mutate_exchange(Recorder* recorder, const std::uint8_t* words, const std::uint8_t* last,
                        std::uint64_t count, std::uint64_t frames, std::uint32_t stall_in,
                        std::uint32_t stall_out, std::uint64_t idle, std::uint64_t most) {
    return recorder->exchange(words, last, count, frames, stall_in, stall_out, idle, most);
}
API std::uint64_t mutate_words(const Recorder* recorder) { return recorder->answer_last.size(); }
API void mutate_answer(const Recorder* recorder, std::uint8_t* words, std::uint8_t* last) {
    std::memcpy(words, recorder->answer.data(), recorder->answer.size());
    std::memcpy(last, recorder->answer_last.data(), recorder->answer_last.size());
}
