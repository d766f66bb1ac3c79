"""Operations that layers compute: products, convolution, pooling, normalization, attention."""
