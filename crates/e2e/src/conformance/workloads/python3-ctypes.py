#!/usr/bin/python3
"""The C library by ctypes: callbacks, structures by value and by pointer, variable arguments, errno."""
import ctypes
import errno
import os
import struct

c = ctypes.CDLL(None, use_errno=True)
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 200)(*((n * 7919) % 1009 for n in range(200)))
c.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int), compare(lambda a, b: a[0] - b[0]))
print(list(numbers) == sorted(numbers), numbers[0], numbers[199])

text = ctypes.create_string_buffer(64)
c.snprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]
print(c.snprintf(text, 64, b"%s %d %.3f %lld", b"word", ctypes.c_int(-5), ctypes.c_double(2.5), ctypes.c_longlong(1 << 40)), text.value)


class Division(ctypes.Structure):
    _fields_ = [("quotient", ctypes.c_int), ("remainder", ctypes.c_int)]


c.div.restype = Division
division = c.div(47, 10)
print(division.quotient, division.remainder)


rest = ctypes.c_char_p()
print(c.strtol(b"  123456 left", ctypes.byref(rest), 10), rest.value)
print(c.open(b"/nowhere/x", os.O_RDONLY), errno.errorcode[ctypes.get_errno()])
c.strtod.restype = ctypes.c_double
print(c.strtod(b"1.5e3", None))
union = type("Word", (ctypes.Union,), {"_fields_": [("f", ctypes.c_float), ("i", ctypes.c_uint32)]})(f=1.0)
print(hex(union.i), struct.calcsize("P") == ctypes.sizeof(ctypes.c_void_p))
