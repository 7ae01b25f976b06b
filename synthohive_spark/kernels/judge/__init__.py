"""How well synthetic rows keep what holds between rows of several tables: all that one table's figures need, from bounded samples, in one executor task."""
