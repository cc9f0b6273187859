// Plays a recorded stimulus to 255 mutants at the same time: every signal is a vector with one bit
// for each mutant, and bit 0 is the engine without a mutation. bench.mutate.lanes is the only caller.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

constexpr unsigned kWords = 4, kLanes = 64 * kWords;
typedef std::uint64_t Vector __attribute__((vector_size(8 * kWords)));

Vector all(bool bit) {
    return Vector{} - std::uint64_t{bit};
}

bool any(const Vector& v) {
    std::uint64_t bits = 0;
    for (unsigned n = 0; n < kWords; ++n) bits |= v[n];
    return bits;
}

// A signal: twice its node, and 1 if it is inverted.
using Literal = std::uint32_t;

// out = p ^ (s & (q ^ r)), which every gate of one or two inputs is, and a multiplexer.
struct Gate {
    std::uint32_t p, s, q, r;
};

struct Register {
    std::uint32_t q;  // a node
    Literal d;
    std::uint32_t first;  // its initial value
};

// One port reads in each cycle in which it is enabled, one writes bits; what is read is the word
// before it is written.
struct Memory {
    std::uint32_t words, width, address_bits, read;  // `read`: node of the first bit that is read
    // Literals: read enable, read address, write address, and for each bit its enable and its data.
    const Literal* pins;
    std::vector<Vector> bits, next;  // contents; what is read next

    Literal read_enable() const { return pins[0]; }
    const Literal* read_address() const { return pins + 1; }
    const Literal* write_address() const { return pins + 1 + address_bits; }
    const Literal* write_enable() const { return pins + 1 + 2 * address_bits; }
    const Literal* write_data() const { return write_enable() + width; }
};

class Lanes {
public:
    Lanes(std::uint32_t first, const Gate* gates, std::uint32_t gate_count,
          const Register* registers, std::uint32_t register_count, const std::uint32_t* memories,
          std::uint32_t memory_count, const Literal* literals, std::uint32_t literal_count,
          const std::uint32_t* input_pins, std::uint32_t input_count, const Literal* outputs,
          std::uint32_t output_count)
        : first_(first),
          gates_(gates, gates + gate_count),
          registers_(registers, registers + register_count),
          literals_(literals, literals + literal_count),
          input_pins_(input_pins, input_pins + input_count),
          outputs_(outputs, outputs + output_count) {
        const Literal* next = literals_.data();
        for (std::uint32_t n = 0; n < memory_count; ++n, memories += 4) {
            memories_.push_back({memories[0], memories[1], memories[2], memories[3], next, {}, {}});
            next += 1 + 2 * memories[2] + 2 * memories[1];
        }
    }

    // For each lane the first of `count` cycles in which an output differs from the recorded one,
    // or -1. `stimulus` has for each cycle one byte for each input pin, `outputs` one for each output
    // pin: 0, 1 or, where it has no meaning, 2.
    void play(const std::uint32_t* mutants, std::uint32_t lanes, const std::uint8_t* stimulus,
              const std::uint8_t* outputs, std::uint64_t count, std::int64_t* found) {
        start(mutants, lanes);
        for (std::uint32_t lane = 0; lane < lanes; ++lane) found[lane] = -1;
        for (std::uint64_t cycle = 0; cycle < count && any(alive_); ++cycle) {
            edge();
            drive(stimulus + cycle * input_pins_.size());
            evaluate();
            Vector differ{};
            const std::uint8_t* wanted = outputs + cycle * outputs_.size();
            for (std::size_t n = 0; n < outputs_.size(); ++n)
                if (wanted[n] < 2) differ |= value(outputs_[n]) ^ all(wanted[n]);
            differ &= alive_;
            if (!any(differ)) continue;
            each(differ, [&](unsigned lane) { found[lane] = static_cast<std::int64_t>(cycle); });
            alive_ &= ~differ;
        }
    }

    // The registers of lane 0 in every `every`th cycle of a stimulus, a byte for each.
    void watch(const std::uint8_t* stimulus, std::uint64_t count, std::uint64_t every,
               std::uint8_t* seen) {
        const std::uint32_t none = 0;
        start(&none, 1);
        for (std::uint64_t cycle = 0; cycle < count; ++cycle) {
            edge();
            drive(stimulus + cycle * input_pins_.size());
            evaluate();
            if (cycle % every) continue;
            for (const Register& each : registers_) *seen++ = bit(values_[each.q], 0);
        }
    }

    // Plays `prefix` cycles of a stimulus, and then has each lane take `count` words, each as bytes
    // of 0 and 1 for every bit of the payload, and answer with `frames` frames and `idle` quiet
    // cycles. The bit that `flips[lane]` chooses flips in cycle `at[lane]`. For each lane the words
    // that came, of `answer_words` that have room, and the number of them; or -1 after `most` cycles.
    void converse(const std::uint32_t* flips, const std::uint64_t* at, std::uint32_t lanes,
                  const std::uint8_t* stimulus, std::uint64_t prefix, const std::uint8_t* words,
                  std::uint64_t count, std::uint64_t frames, std::uint64_t idle, std::uint64_t most,
                  std::uint8_t* answer, std::int64_t answer_words, std::int64_t* found) {
        const std::vector<std::uint32_t> none(lanes, 0);
        start(none.data(), lanes);
        for (std::uint64_t cycle = 0; cycle < prefix; ++cycle) {
            edge();
            drive(stimulus + cycle * input_pins_.size());
            evaluate();
        }
        // Of the input pins: reset, valid, the payload with `last` on top, ready; of the output pins:
        // ready, valid, the payload.
        const std::size_t bits = input_pins_.size() - 3;
        std::vector<std::uint64_t> taken(lanes, 0), got(lanes, 0), quiet(lanes, 0);
        std::fill(found, found + lanes, 0);
        bool moved = true;
        for (std::uint64_t n = 0; any(alive_); ++n) {
            edge();
            if (moved) offer(words, bits, taken, count);
            values_[input_pins_[0]] = all(false);
            values_[input_pins_[bits + 2]] = all(true);
            for (std::uint32_t lane = 1; lane < lanes; ++lane)
                put(values_[flips[lane]], lane, at[lane] == prefix + n);
            evaluate();
            const Vector valid = value(outputs_[1]), ready = value(outputs_[0]);
            moved = false;
            each(alive_, [&](unsigned lane) {
                const bool takes = taken[lane] < count && bit(ready, lane);
                const bool gives = bit(valid, lane);
                if (gives) {
                    const bool room = found[lane] < answer_words;
                    for (std::size_t m = 0; m < bits && room; ++m)
                        answer[(lane * answer_words + found[lane]) * bits + m] =
                            bit(value(outputs_[2 + m]), lane);
                    got[lane] += bit(value(outputs_[1 + bits]), lane);
                    ++found[lane];
                }
                taken[lane] += takes;
                moved = moved || takes;
                quiet[lane] = takes || gives ? 0 : quiet[lane] + 1;
                const bool ended = taken[lane] == count && got[lane] >= frames && quiet[lane] >= idle;
                if (!ended && n + 1 < most) return;
                if (!ended) found[lane] = -1;
                put(alive_, lane, false);
            });
        }
    }

private:
    // The pins of a word that each lane has not taken yet.
    void offer(const std::uint8_t* words, std::size_t bits, const std::vector<std::uint64_t>& taken,
               std::uint64_t count) {
        for (unsigned lane = 0; lane < taken.size(); ++lane) {
            const bool left = taken[lane] < count;
            put(values_[input_pins_[1]], lane, left);
            for (std::size_t n = 0; n < bits; ++n)
                put(values_[input_pins_[2 + n]], lane, left && words[taken[lane] * bits + n]);
        }
    }

    void drive(const std::uint8_t* pins) {
        for (std::size_t n = 0; n < input_pins_.size(); ++n) values_[input_pins_[n]] = all(pins[n]);
    }

    static bool bit(const Vector& v, unsigned lane) { return v[lane / 64] >> (lane % 64) & 1; }

    Vector value(Literal literal) const { return values_[literal >> 1] ^ all(literal & 1); }

    void start(const std::uint32_t* mutants, std::uint32_t lanes) {
        values_.assign(first_ + gates_.size(), Vector{});
        values_[1] = all(true);
        alive_ = Vector{};
        for (std::uint32_t lane = 0; lane < lanes; ++lane) {
            alive_[lane / 64] |= std::uint64_t{1} << (lane % 64);
            if (mutants[lane]) values_[mutants[lane]][lane / 64] |= std::uint64_t{1} << (lane % 64);
        }
        for (const Register& each : registers_) values_[each.q] = all(each.first);
        for (Memory& memory : memories_) {
            memory.bits.assign(std::size_t{memory.words} * memory.width, Vector{});
            memory.next.assign(memory.width, Vector{});
        }
        next_.resize(registers_.size());
        evaluate();
    }

    void evaluate() {
        Vector* const v = values_.data();
        Vector* out = v + first_;
        for (const Gate& gate : gates_) *out++ = v[gate.p] ^ (v[gate.s] & (v[gate.q] ^ v[gate.r]));
    }

    // The rising edge of the clock.
    void edge() {
        for (std::size_t n = 0; n < registers_.size(); ++n) next_[n] = value(registers_[n].d);
        for (Memory& memory : memories_) clock(memory);
        for (std::size_t n = 0; n < registers_.size(); ++n) values_[registers_[n].q] = next_[n];
        for (const Memory& memory : memories_)
            std::copy(memory.next.begin(), memory.next.end(), values_.begin() + memory.read);
    }

    // Most lanes do what the engine without a mutation does: they are clocked together.
    void clock(Memory& memory) {
        read(memory);
        write(memory);
    }

    void read(Memory& memory) {
        const Vector enabled = value(memory.read_enable());
        if (!any(enabled & alive_)) return;
        const Vector others = others_of(memory, memory.read_address()) & enabled;
        const Vector together = enabled & ~others;
        const std::uint32_t word = address(memory, memory.read_address(), 0);
        for (unsigned n = 0; n < memory.width; ++n) {
            const Vector got = word < memory.words ? memory.bits[word * memory.width + n] : Vector{};
            memory.next[n] = (memory.next[n] & ~together) | (got & together);
        }
        each(others, [&](unsigned lane) {
            const std::uint32_t own = address(memory, memory.read_address(), lane);
            for (unsigned n = 0; n < memory.width; ++n)
                put(memory.next[n], lane,
                    own < memory.words && bit(memory.bits[own * memory.width + n], lane));
        });
    }

    void write(Memory& memory) {
        Vector enabled{};
        for (unsigned n = 0; n < memory.width; ++n) enabled |= value(memory.write_enable()[n]);
        if (!any(enabled & alive_)) return;
        const Vector others = others_of(memory, memory.write_address()) & enabled;
        const std::uint32_t word = address(memory, memory.write_address(), 0);
        for (unsigned n = 0; n < memory.width; ++n) {
            const Vector mask = value(memory.write_enable()[n]);
            const Vector data = value(memory.write_data()[n]);
            if (word < memory.words) {
                Vector& stored = memory.bits[word * memory.width + n];
                stored = (stored & ~(mask & ~others)) | (data & mask & ~others);
            }
            each(others & mask, [&](unsigned lane) {
                const std::uint32_t own = address(memory, memory.write_address(), lane);
                if (own < memory.words)
                    put(memory.bits[own * memory.width + n], lane, bit(data, lane));
            });
        }
    }

    // Lanes that are alive and whose address is another than that of lane 0.
    Vector others_of(const Memory& memory, const Literal* pins) const {
        Vector others{};
        for (unsigned n = 0; n < memory.address_bits; ++n) {
            const Vector v = value(pins[n]);
            others |= v ^ all(v[0] & 1);
        }
        return others & alive_;
    }

    template <typename Work>
    static void each(const Vector& lanes, const Work& work) {
        for (unsigned n = 0; n < kWords; ++n)
            for (std::uint64_t left = lanes[n]; left; left &= left - 1)
                work(64 * n + static_cast<unsigned>(__builtin_ctzll(left)));
    }

    std::uint32_t address(const Memory& memory, const Literal* pins, unsigned lane) const {
        std::uint32_t word = 0;
        for (unsigned n = 0; n < memory.address_bits; ++n)
            word |= std::uint32_t{bit(value(pins[n]), lane)} << n;
        return word;
    }

    static void put(Vector& v, unsigned lane, bool bit) {
        const std::uint64_t mask = std::uint64_t{1} << (lane % 64);
        v[lane / 64] = bit ? v[lane / 64] | mask : v[lane / 64] & ~mask;
    }

    std::uint32_t first_;
    std::vector<Gate> gates_;
    std::vector<Register> registers_;
    std::vector<Literal> literals_;
    std::vector<std::uint32_t> input_pins_;
    std::vector<Literal> outputs_;
    std::vector<Memory> memories_;
    std::vector<Vector> values_, next_;
    Vector alive_{};
};

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API Lanes* lanes_create(std::uint32_t first, const Gate* gates, std::uint32_t gate_count,
                        const Register* registers, std::uint32_t register_count,
                        const std::uint32_t* memories, std::uint32_t memory_count,
                        const Literal* literals, std::uint32_t literal_count,
                        const std::uint32_t* input_pins, std::uint32_t input_count,
                        const Literal* outputs, std::uint32_t output_count) {
    return new Lanes(first, gates, gate_count, registers, register_count, memories, memory_count,
                     literals, literal_count, input_pins, input_count, outputs, output_count);
}
API void lanes_destroy(Lanes* lanes) { delete lanes; }
API void lanes_play(Lanes* lanes, const std::uint32_t* mutants, std::uint32_t count,
                    const std::uint8_t* stimulus, const std::uint8_t* outputs,
                    std::uint64_t cycles, std::int64_t* found) {
    lanes->play(mutants, count, stimulus, outputs, cycles, found);
}
API void lanes_watch(Lanes* lanes, const std::uint8_t* stimulus, std::uint64_t cycles,
                     std::uint64_t every, std::uint8_t* seen) {
    lanes->watch(stimulus, cycles, every, seen);
}
API void lanes_converse(Lanes* lanes, const std::uint32_t* flips, const std::uint64_t* at,
                        std::uint32_t count, const std::uint8_t* stimulus, std::uint64_t prefix,
                        const std::uint8_t* words, std::uint64_t word_count, std::uint64_t frames,
                        std::uint64_t idle, std::uint64_t most, std::uint8_t* answer,
                        std::int64_t answer_words, std::int64_t* found) {
    lanes->converse(flips, at, count, stimulus, prefix, words, word_count, frames, idle, most, answer,
                    answer_words, found);
}
