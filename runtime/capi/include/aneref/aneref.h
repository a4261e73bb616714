/* The C interface of aneref: run Core ML, ONNX and .anem networks as Apple's
   Neural Engine would, on any CPU. Plain C99; include this one file. The
   C++ form of the same is aneref.hpp.

   Start here, in the order of use:
     types.h     status codes, errors, tensors, versions, strings
     model.h     a network file                  aneref_model
                 the network made ready for one chip, arithmetic and set of
                 shapes, with its packed weights   aneref_plan
     session.h   memory and state of one run     aneref_session
     report.h    placement, plan, trace, comparison as JSON, text or pages
     import.h    (library aneref_import) foreign formats

   Conventions
     A1  Handles are opaque. A null, foreign or destroyed handle gives
         ANEREF_INVALID_HANDLE, never a crash. Destroying null is fine.
     A2  Functions return a status; results go through pointers, which are
         written on success only. The last parameter is the caller's error
         record or null.
     A3  Structs begin with struct_size. Make them with their _init function:
         fields that are 0 have their default. A library that is newer or older
         than the caller reads what both know; an unknown field that is not 0
         gives ANEREF_INVALID_ARGUMENT.
     A4  Strings are UTF-8 and end with 0. Pointers that a query gives belong to
         the object that was asked and live until its last handle is destroyed.
     A5  Models and plans never change: any number of threads may use them at
         once. A session serves one call at a time; a second one gives
         ANEREF_BUSY. Only aneref_session_cancel and aneref_session_wait may
         come at any time, and aneref_session_destroy, which cancels and waits.
     A6  Objects keep what they need alive: destroy handles in any order.
     A7  Nothing throws, nothing aborts on bad input, no global state but the
         importer and the table of handles. Callbacks must return normally.
     A8  Results are the same bits at any thread count, on every machine.
     A9  aneref_session_run allocates nothing when every input and output is
         bound and the network's shapes do not depend on data. */
#ifndef ANEREF_ANEREF_H_
#define ANEREF_ANEREF_H_

#include "aneref/model.h"
#include "aneref/report.h"
#include "aneref/session.h"
#include "aneref/types.h"

#endif /* ANEREF_ANEREF_H_ */
