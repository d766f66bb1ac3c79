"""Operations that move, choose, order and join numbers."""
