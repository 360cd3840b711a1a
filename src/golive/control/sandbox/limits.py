"""Limits: what the sandbox's process gives up before it looks at a stranger's file. Called in that process."""

import ctypes
import os
import platform
import resource
import signal
import struct

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _DIE_WITH_PARENT = 38, 22, 1  # include/uapi/linux/prctl.h
_FILTER_MODE = 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 13  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EACCES
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # struct seccomp_data
_UNIX_SOCKET = 1
_CALLS = {
    "x86_64": (0xC000003E, 41, 59, 322),
    "aarch64": (0xC00000B7, 198, 221, 281),
}
"""Machine -> its AUDIT_ARCH number, and the numbers of socket, execve and execveat."""
_FILE_BYTES = 1 << 20


def confine(*, memory_bytes: int, cpu_s: int) -> tuple[str, ...]:
    """Give up memory, time, big files, core dumps, the network and starting programs; none of it can be undone.

    Files can still be read with the rights of the person who runs golive.

    Returns:
        What this system could not take away, for people; empty on Linux on x86-64 and ARM64.
    """
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(kind, most)
    # A file that is too big then fails to grow instead of ending the process without a word.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return () if _cut_off() else ("this system cannot take the network and other programs away from a process",)


def _lower(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (lowest, lowest))


def _cut_off() -> bool:
    numbers = _CALLS.get(platform.machine()) if os.uname().sysname == "Linux" else None
    if numbers is None:
        return False
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    content = _program(*numbers)
    held = ctypes.create_string_buffer(content, len(content))
    program = _Program(len(content) // 8, ctypes.addressof(held))
    if system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(system.prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0) == 0)


class _Program(ctypes.Structure):
    """struct sock_fprog: how many instructions of eight bytes, and where."""

    _fields_ = (("count", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _program(machine: int, socket: int, execve: int, execveat: int) -> bytes:
    """Write the filter: another machine's calls, new programs and sockets other than local ones are refused."""
    return b"".join(
        (
            _do(_LOAD, _MACHINE_AT),
            _jump(machine, then=1, otherwise=0),
            _do(_RETURN, _REFUSE),
            _do(_LOAD, _NUMBER_AT),
            _jump(execve, then=4, otherwise=0),
            _jump(execveat, then=3, otherwise=0),
            _jump(socket, then=0, otherwise=3),
            _do(_LOAD, _FIRST_ARGUMENT_AT),
            _jump(_UNIX_SOCKET, then=1, otherwise=0),
            _do(_RETURN, _REFUSE),
            _do(_RETURN, _ALLOW),
        )
    )


def _do(code: int, value: int) -> bytes:
    return struct.pack("HBBI", code, 0, 0, value)


def _jump(value: int, *, then: int, otherwise: int) -> bytes:
    return struct.pack("HBBI", _JUMP_IF_EQUAL, then, otherwise, value)
