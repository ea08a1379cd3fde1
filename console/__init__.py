"""Operations pages and the JSON API behind them."""
