#!/usr/bin/env bash
# Make a base image out of this Debian machine, without a registry: Python, a shell, a few tools, and what they load.
# Usage: base-image.sh TAG [NAME=VALUE ...]   (the pairs become the image's environment)
set -euo pipefail
tag=$1; shift
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
prefix=$(python3 -c 'import sys; print(sys.base_prefix)')
python=$(python3 -c 'import sys; print("%s/bin/python%d.%d" % (sys.base_prefix, *sys.version_info[:2]))')
certificates=$(python3 -c 'import ssl; print(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")')

tools=$(for tool in sh bash ls cat mkdir chown chmod find rm sleep env id; do readlink -f "$(command -v $tool)"; done)
modules=$(find "$prefix"/lib/python3*/lib-dynload -name '*.so')
# What a wheel with C++ inside expects of every Linux.
expected=$(ldconfig -p | awk '/lib(stdc\+\+|gcc_s|gomp|pthread|dl|m|rt|util|resolv|nss_dns|nss_files)\.so\.[0-9]+ / && /x86-64|AArch64/ {print $NF}')
loaded=$(printf '%s\n' $tools "$python" $modules $expected | xargs ldd 2>/dev/null |
  awk '/=> \// {print $3} $1 ~ /^\// && NF == 2 {print $1}' | sed 's/:$//' | sort -u)

mkdir -p "$root"/{usr/local,etc,root,proc,sys,dev,run,var} && mkdir -pm 1777 "$root/tmp"
for folder in bin sbin lib lib64; do
  mkdir -p "$root/usr/$folder"
  if [ -L /$folder ]; then cp -P /$folder "$root/$folder"; fi
done
for file in $tools $expected $loaded "$certificates"; do
  case $file in "$prefix"/*) continue ;; esac
  mkdir -p "$root$(dirname "$file")"
  cp -L "$file" "$root$file"
done
ln -sf bash "$root/usr/bin/sh"; cp -L "$(readlink -f /bin/bash)" "$root/usr/bin/bash"
tar -C "$prefix" --exclude=__pycache__ --exclude=site-packages --exclude='lib*.a' --exclude=test --exclude=share \
  --exclude=include -c bin lib | tar -C "$root/usr/local" -x
mkdir -p "$root/usr/local/lib/$(basename "$python")/site-packages"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n' > "$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' > "$root/etc/group"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"
cp -L /usr/sbin/ldconfig "$root/usr/sbin/ldconfig"; cp -rL /etc/ld.so.conf /etc/ld.so.conf.d "$root/etc/" 2>/dev/null || true
chroot "$root" /usr/sbin/ldconfig
ln -sf "$(basename "$python")" "$root/usr/local/bin/python"
chroot "$root" /usr/local/bin/python -m ensurepip >/dev/null 2>&1

changes=(-c "ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" -c "ENV SSL_CERT_FILE=$certificates" -c "ENV PIP_CERT=$certificates")
for pair in "$@"; do changes+=(-c "ENV $pair"); done
tar -C "$root" -c . | docker import "${changes[@]}" -c 'CMD ["python"]' - "$tag"
