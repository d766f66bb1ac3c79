"""Operations on each number by itself."""
