# Nothing of it is C's but that it is compiled; see docs/decisions/0031-compiled-modules.md.
