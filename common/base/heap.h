// SPDX-License-Identifier: BSD-2-Clause
// The heap of a process that forks once per client: every page that a child writes is copied, and a fault of its own.
#pragma once

namespace posada {

// Uses up the free chunks that starting up has left all over the heap, so that what is allocated from here on, in
// children too, comes from one fresh piece at its end: a child writes a few pages instead of fifty. To be called once,
// after the start and before the first fork. Costs no memory: those pages were dirty already, and whole free ones are
// given back to the kernel first. What is freed at the heap's end afterwards stays there for the next allocation: to
// give 100 KiB back and take them again for every batch of mails costs dozens of page faults.
void settle_heap();

// The pages below the frames in use go, with what earlier calls have left there: a password that was read, perhaps.
void forget_stack();

// Whole free pages, of heap and stack, do go back to the kernel: for a process that has done its large work and will
// now mostly wait.
void give_back_heap();

} // namespace posada
