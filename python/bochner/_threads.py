"""How many threads the compiled part uses."""

from ._arguments import default_num_threads, integer

_num_threads = default_num_threads()


def set_num_threads(n: int) -> None:
    """Set the number of threads of every later call, in the whole process.

    No result depends on it, to the last bit. The number at start is that of the environment
    variable OMP_NUM_THREADS, else the number of cores that this process may use.

    Parameters
    ----------
    n : int
        At least 1.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is not between 1 and 1024.
    """
    global _num_threads
    _num_threads = integer("set_num_threads", "n", n, 1, 1024)


def get_num_threads() -> int:
    """Return the number of threads of every later call.

    Returns
    -------
    int
        What `set_num_threads` set, or the number at start.
    """
    return _num_threads
