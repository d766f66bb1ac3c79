#include "step.hpp"

namespace cnnfast {

namespace {

class BoundDense final : public BoundStep {
 public:
  explicit BoundDense(const DenseStep& step) : step_(step) {}
  std::int64_t units(std::int64_t images) const override { return step_.units(images); }
  void run(const Work& work) const override { step_.run(work); }

 private:
  const DenseStep& step_;
};

}  // namespace

std::unique_ptr<const BoundStep> DenseStep::bind(const Layouts& /*layouts*/) const {
  return std::make_unique<BoundDense>(*this);
}

template <class Number>
void RowsOf<Number>::run(const Work& w) const {
  for (std::int64_t unit = w.first; unit < w.last;) {
    const std::int64_t image = unit / rows_;
    const std::int64_t row = unit % rows_;
    const std::int64_t end = std::min(rows_, row + w.last - unit);
    run_image_rows({w.in[0].numbers<Number>(image), w.in[1].numbers<Number>(image)},
                   w.out.numbers<Number>(image), row, end);
    unit += end - row;
  }
}

template class RowsOf<float>;
template class RowsOf<std::uint8_t>;

}  // namespace cnnfast
