"""Runs SQL through libduckdb itself, as another program would; used by run.py as a child process.

    duckdb_copy.py LIBRARY SQL [SQL...]   prints the last statement's rows, tab-separated
"""
import ctypes
import sys


class Result(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_byte * 64)]


def main():
    duck = ctypes.CDLL(sys.argv[1])
    duck.duckdb_value_varchar.restype = ctypes.c_void_p
    duck.duckdb_value_varchar.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]
    duck.duckdb_result_error.restype = ctypes.c_char_p
    duck.duckdb_row_count.restype = ctypes.c_uint64
    duck.duckdb_column_count.restype = ctypes.c_uint64
    database, connection, result = ctypes.c_void_p(), ctypes.c_void_p(), Result()
    if duck.duckdb_open(None, ctypes.byref(database)) or duck.duckdb_connect(database, ctypes.byref(connection)):
        sys.exit("cannot open DuckDB")
    for sql in sys.argv[2:]:
        if duck.duckdb_query(connection, sql.encode(), ctypes.byref(result)):
            sys.exit("%s\n%s" % (sql, (duck.duckdb_result_error(ctypes.byref(result)) or b"?").decode()))
    for row in range(duck.duckdb_row_count(ctypes.byref(result))):
        cells = []
        for column in range(duck.duckdb_column_count(ctypes.byref(result))):
            text = duck.duckdb_value_varchar(ctypes.byref(result), column, row)
            cells.append(ctypes.string_at(text).decode() if text else "")
        print("\t".join(cells))


if __name__ == "__main__":
    main()
