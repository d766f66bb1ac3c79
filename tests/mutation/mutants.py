"""What a programmer might have got wrong in the core: one expression in place of another.

Those of the Python package stand in `python_mutants`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A wrong expression.

    Attributes
    ----------
    file
        Where it would stand, below ``csrc`` or the Python package.
    context
        Code that stands there once, the right expression in it between ``«`` and ``»``.
    wrong
        What takes its place.
    """

    file: str
    context: str
    wrong: str

    def switch(self, text: str, number: int) -> str:
        """Return the file's `text` with both expressions, of which `number` chooses one.

        Raises
        ------
        ValueError
            If the context does not stand in `text` exactly once.
        """
        before, right, after = self._parts(text)
        switched = f"{before}(mutant == {number} ? ({self.wrong}) : ({right})){after}"
        return text.replace(before + right + after, switched)

    def replace(self, text: str) -> str:
        """Return the file's `text` with the wrong expression; raises as `switch` does."""
        before, right, after = self._parts(text)
        return text.replace(before + right + after, before + self.wrong + after)

    def _parts(self, text: str) -> tuple[str, str, str]:
        """Return what stands before the expression, the right one, and what stands after it."""
        before, _, rest = self.context.partition("«")
        right, _, after = rest.partition("»")
        found = text.count(before + right + after)
        if found != 1:
            raise ValueError(
                f"{self.file}: a mutant's context must stand there once. Received: {found} times "
                f"{self.context!r}"
            )
        return before, right, after

    def __str__(self) -> str:
        before, _, rest = self.context.partition("«")
        right, _, after = rest.partition("»")
        return f"{self.file}: `{before}{self.wrong}{after}` for `{right}`"


def _of(file: str, *changes: tuple[str, str]) -> tuple[Mutant, ...]:
    return tuple(Mutant(file, context, wrong) for context, wrong in changes)


MUTANTS = (
    *_of(
        "plan.cpp",
        ("size = heavy ? most : «std::min(fitting, most)»;", "most"),
        ("bool heavy = «batched_weight_bytes_ > 2.0 * static_cast<double>(cached)»;", "false"),
        ("unit = «std::min<std::int64_t>(size, threads)»;", "1"),
        ("useful += «std::max(computing, moving)» / tuning.wake_seconds;", "computing"),
        ("(«cost.moved_bytes * all» + cost.weight_bytes)", "cost.moved_bytes"),
    ),
    *_of(
        "run.cpp",
        ("n * part / parts, «n * (part + 1) / parts»", "n / parts * (part + 1)"),
        ("std::min(units, «range.last * phase.grain»)", "range.last"),
        ("cut(rows, «part», parts)", "0"),
        ("grains = «(units + phase.grain - 1) / phase.grain»;", "units / phase.grain"),
        ("first + layout.bytes(«unit / rows * tensor.image» +", "0"),
        ("clear_border(layout, row, «y - layout.border.top»);", "y"),
        ("image = «phase.portion.start + phase.image»;", "phase.image"),
        ("resident_ + «value.index * phase.portion.images» +", "value.index"),
        ("phase.portion.images + «phase.image * bytes»;", "0"),
    ),
    *_of("ops/step.cpp", ("row = «unit % rows_»;", "0")),
    *_of(
        "kernels/gemm.hpp",
        ("b[n] = load(w + «n * kLanes»);", "0"),
        ("sum[m][n] = «load_lanes(t.out[m] + n * kLanes, lanes(n)) + sum[m][n]»;", "sum[m][n]"),
        ("w += «N * kLanes»;", "kLanes"),
        ("if (++row_ == «task_.height») {", "task_.height + 1"),
        ("tile.out[m] = out_ + «m * task_.out_strides.pixel»;", "m * task_.x_strides.pixel"),
        ("all_even_(\n            «even_ && is_even(t.out_strides)» &&", "even_"),
        ("nullptr || «is_even(t.epilogue.residual.strides)»)", "true"),
        ("row_(«pixel / t.width % t.height»)", "pixel / t.width"),
        ("first = «c == 0»;", "c == t.first_chunk"),
        ("last = «c + 1 == t.chunk_count»;", "c + 1 == t.last_chunk"),
        ("    at += «numbers»;", "0"),
    ),
    *_of(
        "kernels/epilogue.hpp",
        ("load(from + «channel» + n * kLanes)", "0"),
        ("tile[m][n] += «bias»;", "Vec{}"),
        ("«load_lanes(residual(m) + n * kLanes, columns - n * kLanes)»", "Vec{}"),
        ("load_lanes(residual(«m»)", "0"),
        ("tile[m][n] = «tile[m][n] * factor + shift»;", "tile[m][n] * factor - shift"),
        ("larger(at(0, 1), «at(1, 1)»)", "at(0, 1)"),
    ),
    *_of(
        "kernels/gemv.hpp",
        ("count += «x[k] != 0.0F ? 1 : 0»;", "x[k] > 0.0F ? 1 : 0"),
        ("«start == 0 ? part[b][n] : total[b][n] + part[b][n]»", "part[b][n]"),
        ("weights + «start * N * kLanes»;", "0"),
        ("w + «b * block» + (k", "0"),
        ("columns = «t.columns - column»;", "t.columns"),
        ("«t.skip_zeros ? list_nonzero(x, depth, list) : depth»", "list_nonzero(x, depth, list)"),
    ),
    *_of(
        "kernels/conv_pool.hpp",
        ("«strides.row + strides.pixel»};", "strides.row"),
        ("«conv_pixels» : conv_windows)", "conv_windows"),
        ("«t.columns - n»);", "kLanes"),
    ),
    *_of(
        "kernels/depthwise.hpp",
        ("sum[p][0] += «bias»;", "Vec{}"),
        ("x[«(c + i) / multiplier»]", "c / multiplier"),
        ("t.taps[«y * K»] + c", "y"),
        ("store_lanes(out + p * t.out_pixel + c, sum[p][0], «n»)", "kLanes"),
    ),
    *_of(
        "kernels/pool.hpp",
        ("end = taps.first + «(taps.count - 1) * t.dilation + 1»;", "1"),
        ("if («next < end») next = end;", "false"),
        ("x + taps.first * «pixel», t.dilation", "t.x_pixel"),
        ("t.columns + «x * t.channels»,", "0"),
        ("static_cast<float>(«t.rows * taps.count»)", "taps.count"),
    ),
    *_of(
        "kernels/softmax.hpp",
        ("exp(v - splat(«highest»))", "0.0F"),
        ("if («!(top[i] <= highest) && highest == highest»)", "false"),
    ),
    *_of(
        "kernels/reduce.hpp",
        ("ReductionKind::min: return «splat(__builtin_inff())»;", "splat(0.0F)"),
        ("last = «count - first < kPartialSum ? count : first + kPartialSum»;", "count"),
        ("«variance_of(x, n, mean) + epsilon»", "variance_of(x, n, mean)"),
    ),
    *_of(
        "kernels/small_recurrent.hpp",
        ("cell = «open[1]» * cell", "open[0]"),
        (
            "«keep * before + (1.0F - keep) * candidate»",
            "(1.0F - keep) * before + keep * candidate",
        ),
        ("at = «t_.backwards ? t_.time - 1 - i : i»;", "i"),
        ("load(to + j) + «load(matrix.bias + j)»;", "Vec{}"),
    ),
    *_of(
        "kernels/recurrent.hpp",
        ("at = «t.backwards ? t.time - 1 - i : i»;", "i"),
        ("residual.numbers = «x.first + column»;", "x.first"),
        ("bias = matrix.bias + «column»;", "0"),
    ),
    *_of(
        "kernels/winograd.hpp",
        ("y[2] = «x[2] - x[1]»;", "x[1] - x[2]"),
        ("«splat(2 * kB) * difference_b» + x[5]", "splat(kB) * difference_b"),
        ("y(«tile / t.tiles_x % t.tiles_y»)", "tile / t.tiles_x"),
        ("rows(inside(«kSide * t.height - place.y * kHeight», kHeight", "kHeight"),
        ("place.y * «(kHeight / kSide)» * s.row", "kHeight"),
        ("«splat(kA) * (x[1] - x[2])» + splat(kB)", "(x[1] - x[2])"),
    ),
    *_of(
        "ops/conv_spans.hpp",
        ("{y * «w.dilation_y», start", "1"),
        ("start = «tap * w.dilation_x * channels + at»;", "tap * channels + at"),
    ),
    *_of(
        "ops/direct_conv.cpp",
        ("done += «shape_.chunks[static_cast<std::size_t>(c)].depth»;", "0"),
        ("by_chunk = «shape_.image_sums == shape_.image_pixels» &&", "true"),
        ("floats() - «pads.top» * in_.row()", "pads.bottom"),
        ("x + «unit / size / shape_.columns.count() * shape_.channels»;", "0"),
        ("columns(group, block, «done»);", "0"),
        ("«window.pads.top == 0 && window.pads.left == 0»;", "true"),
        ("{in.image, «window.stride_y» * in_.row()", "window.stride_x"),
        ("inside = «unit - start * column_blocks»;", "0"),
        ("tile = «unit % size»;", "0"),
    ),
    *_of(
        "ops/direct_conv.cpp",
        ("task.width = «out_.width / shape_.joined»;", "out_.width"),
        ("residual.strides.pixel *= «shape_.joined»;", "1"),
        ("out_.row(), «shape_.joined * out_.pixel()»};", "out_.pixel()"),
    ),
    *_of(
        "ops/joined_conv.cpp",
        ("kernel.data() + kernel.size(), «-0.0F»);", "0.0F"),
        ("return «weight + 0.0F»;", "weight"),
        ("(y * joined.width + «p * own.stride_x») * channels", "p"),
        ("window.stride_x *= «pixels»;", "1"),
        ("|| «spec.window.dilation_x != 1») return 1", "false"),
        ("if («spec.out[1] % pixels == 0» &&", "true"),
    ),
    *_of("kernels/column_blocks.hpp", ("rows + row * «width(block)»;", "widest")),
    *_of(
        "kernels/matmul.hpp",
        ("load_lanes(from + n, «stored - n»)", "kLanes"),
        ("blocks.place(block, «start»);", "0"),
        ("«start == b.first ? part[n] : total[n] + part[n]»", "part[n]"),
    ),
    *_of(
        "ops/matmul.cpp",
        ("to = w.out.floats(image) + «inside * packed_.size()»;", "0"),
        ("{from, of_.n, «group * rows_together_»,", "0"),
        ("row = «rows % row_panels_ * row_panel_»;", "0"),
        ("place(block, «std::int64_t{chunk} * kernels_.tuning.chunk_depth»);", "0"),
        ("b = in[1] + «row / of_.m * of_.k * of_.n»;", "0"),
    ),
    *_of(
        "ops/winograd_conv.cpp",
        ("factors.push_back(«y * x»);", "x * x"),
        ("«kernels.taps_x != w.width» || form.m()", "false"),
        ("if («kernels.outputs_y % side == 0» &&", "true"),
        ("if («unit == w.first || unit % blocks == 0»)", "unit % blocks == 0"),
        ("task.first = «w.first / together» * shape_.tiles_x;", "w.first"),
        ("end = «(w.last + together - 1) / together» * shape_.tiles_x;", "w.last / together"),
        ("rows(«form.kernels->outputs_y / spec.pooling.side»)", "form.kernels->outputs_y"),
    ),
    *_of(
        "ops/conv.hpp",
        ("height = w.reach() + «(side - 1) * w.stride_y»;", "0"),
    ),
    *_of(
        "ops/pool.cpp",
        ("run_strip(task, w, {0, «y», 0, out_.width", "w.first"),
        ("floats(s.image) + «rows.first» * in_.row()", "0"),
        ("columns_.data() + «s.first»;", "0"),
    ),
    *_of(
        "ops/window.cpp",
        ("before = start < 0 ? «(dilation - 1 - start) / dilation» : 0;", "-start / dilation"),
        ("inside = «(limit - first + dilation - 1) / dilation»;", "(limit - first) / dilation"),
    ),
    *_of(
        "ops/quantized_conv.cpp",
        ("in_.pixel() + «group * shape_.channels»;", "0"),
        ("bias - «spec.in_zero_point * sums.sum»);", "0"),
        ("w.in[1].bytes() + «filter»;", "0"),
        ("«255 * sums.absolute + std::abs(bias)» >= kLargestSum", "std::abs(bias)"),
        ("return byte % 2 * width * 2 + column * 2 + «byte / 2»;", "byte % 2"),
    ),
    *_of(
        "kernels/requantize.hpp",
        ("splat(kRoundToInteger + «zero_point»)", "0"),
        ("min_or_second(max_or_second(r, «lower»), upper)", "upper"),
    ),
    *_of(
        "kernels/quantized_conv.hpp",
        ("floats_of(bytes - «t.residual.zero_point»)", "0"),
        ("load(by.lower + «at»)", "0"),
    ),
    *_of(
        "ops/depthwise.cpp",
        ("x * «window_.dilation_x» * in_.pixel()", "window_.dilation_y"),
        ("corner + «s.row» * task.x_row", "0"),
        ("s.row * task.out_row + «s.first» * task.out_pixel;", "0"),
        ("dilation_y == 1 && «window.dilation_x == 1»;", "true"),
        ("task.x_pixel = «joined * window_.stride_x * in_.pixel()»;", "in_.pixel()"),
        ("task.out_pixel = «joined * out_.pixel()»;", "out_.pixel()"),
        ("row = rows + «i / times» * channels;", "0"),
        ("if («out[1] % pixels == 0» &&", "true"),
        ("if («window.stride_x != 1» ||", "false"),
    ),
    *_of(
        "ops/strips.hpp",
        ("std::min(«wanted», most)", "std::int64_t{1}"),
        ("«width_ * (part + 1) / per_row_»,", "width_"),
        ("«per_row_ == 1»}", "true"),
    ),
    *_of(
        "ops/bands.cpp",
        ("{rows.first * w.stride_y - «w.pads.top»,", "0"),
        ("held.data + («now.first - held.rows.first») * row,", "0"),
        ("clear_border(layout, held.data + («y - now.first») * row", "0"),
        ("inside = {«std::max<std::int64_t>(first, 0)»,", "first"),
        ("std::min(now.last, «layout.height»)};", "now.last"),
        ("std::min(w.last - «image * units», units)", "0"),
        ("whole.first -= «rows.first % together(i)»;", "0"),
        ("lowest = «rounded_up(rows.last, together(i))» - 1;", "rows.last"),
        ("whole.last = «std::min(rounded_up(rows.last, together(i)), height)»;", "rows.last"),
        ("row = unit % units * «shape_.together()»;", "1"),
        ("*t = t->from_image(«image»);", "0"),
    ),
    *_of(
        "ops/binary.cpp",
        ("axis.strides[side] = «size == 1 ? 0 : stride[side]»;", "stride[side]"),
        ("goes_on(0) && «goes_on(1)»", "true"),
    ),
    *_of("ops/transpose.cpp", ("to[i] = from[«i * stride»];", "i")),
    *_of(
        "ops/rows.cpp",
        ("start = «of_.n * part / parts_»;", "of_.n / parts_ * part"),
        ("to = «row / strips_»;", "row"),
    ),
    *_of(
        "builder.cpp",
        ("make_reduce(all, parts, «1.0F»)", "divisor"),
        ("slice_start = «at(plan_->values_, join->whole).slice_start» + join->start;", "0"),
        ("if («value.alias_of == join.part») return false;", "false"),
        ("s.step->traits().overwrites && «at(last_read, in) == i» &&", "true"),
        ("«from.layout.bytes() == to.layout.bytes()») {", "true"),
    ),
    *_of("ops/remap.cpp", ("in[0] + «row / m_ * n_ * inner_», inner_", "0")),
    *_of(
        "kernel_rows.hpp",
        ("visit(first, last, make_(«first», last).get());", "0"),
        ("place.data() + «first * width_»);", "0"),
        ("width / kLeast, 1) * «kLeast»;", "7"),
        ("if («at_once_») return rows_;", "false"),
    ),
    *_of("packing.hpp", ("matrix + blocks_.place(block, «first»);", "0")),
    *_of(
        "packing.cpp",
        ("if («same(*own, *other)») return other;", "true"),
        ("(«same(*own, *other)»)", "false"),
        ("order.insert(order.begin(), «static_cast<std::int64_t>(form)»);", "0"),
        ("if («found != state_->packed.end()») return", "false"),
        ("all.bytes -= «packed->bytes()»;", "0"),
        ("at = «at->second.expired()» ?", "false"),
    ),
    *_of(
        "banding.cpp",
        ("if («value.alias_of >= 0») use(value.alias_of);", "false"),
        (
            "«uses[static_cast<std::size_t>(index)] == 2»;",
            "uses[static_cast<std::size_t>(index)] >= 2",
        ),
        ("return «inputs <= kMostInputs»;", "true"),
        (
            "if (!runs_by_rows(s, «kernels().tuning.light_last_bytes»))",
            "kernels().tuning.light_weight_bytes",
        ),
        ("«repeated * kRowsPerRepeated <= height»;", "true"),
        (
            "«std::max(weights_by_bands(chain.back(), values), weights_by_bands(s, values))» <=",
            "0.0",
        ),
        ("if («bytes < kernels().tuning.huge_image_bytes» || !runs_by_rows", "true"),
        ("value_of(values, s.out).layout, «second»}", "false"),
    ),
    *_of(
        "threading/team.hpp",
        (
            "return «(parts * thread + threads - 1) / threads»;",
            "parts / threads * thread",
        ),
    ),
    *_of(
        "threading/team.cpp",
        ("if («thread >= phase.threads») return false;", "thread > phase.threads"),
        ("const int owner = «(thread + i) % phase.threads»;", "thread"),
        ("+ done == «phase.parts») {", "phase.parts - 1"),
        ("if (taken >= «count») return -1;", "count + 1"),
        ("if («Taken::number(seen) == phase.number») {", "true"),
        ("} else if («open_.load(std::memory_order_acquire) != phase.packed()») {", "false"),
        ("called = «next.threads > 0 ? next.threads : 1»;", "kMostThreads"),
        ("unasked = «phase.threads > 0 && thread >= phase.threads»;", "false"),
        ("if («open_.load(std::memory_order_seq_cst) != seen») {", "false"),
    ),
    *_of(
        "threading/crew.cpp",
        ("if («team_.state(thread) == Team::State::absent» &&", "false"),
    ),
    *_of("threading/idle.hpp", ("first_ = «one->next_idle»;", "nullptr")),
)
