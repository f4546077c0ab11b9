/* SPDX-License-Identifier: MIT */
/*
 * What our plugins use of version 1 of QEMU's plugin interface: its header is in no Debian package.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

typedef void translated_fn(uint64_t id, struct qemu_plugin_tb *block);
typedef void executed_fn(unsigned cpu, void *data);
typedef void ended_fn(uint64_t id, void *data);

enum { INLINE_ADD = 0, NO_REGISTERS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated_fn *call);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, executed_fn *call,
                                          int flags, void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation,
                                              void *counter, uint64_t summand);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction, executed_fn *call,
                                            int flags, void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, ended_fn *call, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *instruction);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int n, char **arguments);

extern int qemu_plugin_version;
