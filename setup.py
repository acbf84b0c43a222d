"""Builds the one kernel source once for each instruction set; everything else is in pyproject.toml."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

# The target's, which is not this machine's where one builds for another; "universal2" is both, hence plain C.
X86_64 = sysconfig.get_platform().endswith(("x86_64", "amd64"))

# Named flags rather than -march levels: older compilers know them too.
V3 = ["-mavx", "-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mlzcnt", "-mf16c", "-mpopcnt", "-mmovbe"]
V4 = [*V3, "-mavx512f", "-mavx512bw", "-mavx512cd", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]
ISA_FLAGS = {"baseline": [], "v3": V3, "v4": V4} if X86_64 else {"baseline": []}
if only := os.environ.get("GDCORE_BUILD"):  # one instruction set, for a quick build while working on the core
    ISA_FLAGS = {only: ISA_FLAGS[only]}

# Contraction is off so that optimizer updates round as they are written; see gdcore/_core/vmath.h.
COMMON_FLAGS = [
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-semantic-interposition",
    "-g0",
]

# What the kernels gain from GCC's -O3, without a quarter of its size; no exception has to find its way through them.
GCC_FLAGS = [
    "-O2",
    "-ftree-vectorize",
    "-fvect-cost-model=dynamic",
    "-fpeel-loops",
    "-funswitch-loops",
    "-fno-asynchronous-unwind-tables",
]

CORE = Path("gdcore", "_core")
SANITIZERS = os.environ.get("GDCORE_SANITIZE")  # such as "address,undefined": a build for tests alone
SANITIZER_FLAGS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"]


def isa_of(extension):
    return extension.name.rpartition("._")[2]


class BuildExt(build_ext):
    """Adds the flags that the compiler at hand understands, and skips builds that it cannot make."""

    def build_extensions(self):
        if self.compiler.compiler_type == "msvc":
            self.extensions = [e for e in self.extensions if isa_of(e) in ("cpu", "baseline")]
            flags, isa_flags = ["/O2", "/fp:precise"], {}
        else:
            flags, isa_flags = [*(GCC_FLAGS if self.is_gcc() else ["-O3"]), *COMMON_FLAGS], ISA_FLAGS
        link_flags = ["-Wl,-s"] if sys.platform == "linux" else []  # no table of symbols
        if SANITIZERS:
            link_flags = [f"-fsanitize={SANITIZERS}"]
            flags = [*flags, *SANITIZER_FLAGS, *link_flags]
        for extension in self.extensions:
            isa = isa_of(extension)
            extension.extra_compile_args = flags + isa_flags.get(isa, [])
            extension.extra_link_args = link_flags
            extension.define_macros = [("GD_FLAGS", '"{}"'.format(" ".join(extension.extra_compile_args)))]
            extension.optional = isa in ("v3", "v4")
        super().build_extensions()

    def is_gcc(self):
        """Whether the compiler is GCC, and not one that only calls itself so."""
        macros = subprocess.run([*self.compiler.compiler, "-dM", "-E", "-x", "c", os.devnull], capture_output=True)
        return b"__GNUC__" in macros.stdout and b"__clang__" not in macros.stdout


class BuildPy(build_py):
    """Leaves what an earlier build left in `build/` out of the wheel: modules that have moved since."""

    def run(self):
        for path in Path(self.build_lib).rglob("*.py"):
            path.unlink()
        super().run()


def extension(name):
    return Extension(
        f"gdcore._core.{name}",
        [f"gdcore/_core/{name}.pyx"],
        include_dirs=["gdcore/_core"],
        depends=sorted(path.as_posix() for path in CORE.rglob("*") if path.suffix in (".h", ".pxi")),
    )


setup(
    ext_modules=cythonize(
        [extension("_cpu"), *(extension(f"_{isa}") for isa in ISA_FLAGS)],
        include_path=[".", "gdcore/_core"],
        build_dir="build/cython",
        annotate=bool(os.environ.get("GDCORE_ANNOTATE")),
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": True,
        },
    ),
    cmdclass={"build_ext": BuildExt, "build_py": BuildPy},
)
