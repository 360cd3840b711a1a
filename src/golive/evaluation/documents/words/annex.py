"""Words of the draft after Annex IV."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "annex.title": ("Technical documentation of {name}: draft after Annex IV", "{name} 技术文件：附件四草案"),
    "annex.draft": (
        "Draft of {day} after Annex IV to Regulation (EU) 2024/1689 (AI Act), made from records. It is no legal advice "
        "and no proof of conformity; whether the system is high-risk at all, a person decides. What golive cannot know "
        "is marked.",
        "本草案写于 {day}，按照欧盟《人工智能法》（条例 (EU) 2024/1689）附件四，根据记录生成；不构成法律意见，"
        "也不证明符合性。系统是否属于高风险须由人判断。golive 无法得知的内容均已标出。",
    ),
    "annex.dates": (
        "As reported in mid-2026 the duties for high-risk systems were moved: to 2 December 2027 for those of Annex "
        "III, to 2 August 2028 for those of Annex I. Check the text in force.",
        "据 2026 年年中的报道，高风险系统义务的适用日期已推迟：附件三所列系统至 2027 年 12 月 2 日，"
        "附件一所列系统至 2028 年 8 月 2 日。请以现行有效文本为准。",
    ),
    "annex.1": ("General description of the AI system", "人工智能系统的总体描述"),
    "annex.1a": (
        "Purpose, provider, version and its relation to earlier ones",
        "预期用途、提供者、版本及其与先前版本的关系",
    ),
    "annex.1b": (
        "How it works together with other hardware, software and AI systems",
        "与其他软硬件及人工智能系统的交互",
    ),
    "annex.1c": ("Versions of software and firmware, and what updates demand", "软件与固件版本及更新要求"),
    "annex.1d": ("Forms in which it is placed on the market or put into service", "投放市场或投入使用的形式"),
    "annex.1e": ("Hardware that it is meant to run on", "预期运行的硬件"),
    "annex.1f": (
        "Where it is a part of products: their outside, marking and layout",
        "作为产品部件时：产品的外观、标识与内部布局",
    ),
    "annex.1g": ("The user interface that deployers are given", "提供给部署者的用户界面"),
    "annex.1h": ("Instructions for use", "使用说明"),
    "annex.2": ("Elements of the system and how it was developed", "系统要素及开发过程"),
    "annex.2a": (
        "Methods and steps of development, also what was taken from third parties",
        "开发方法与步骤，包括使用的第三方系统或工具",
    ),
    "annex.2b": (
        "Design: logic, main choices and their reasons, what is optimized, trade-offs",
        "设计规格：总体逻辑、关键选择及理由、优化目标与取舍",
    ),
    "annex.2c": ("Architecture and computing resources", "系统架构与计算资源"),
    "annex.2d": (
        "Data: where it is from, what it covers, how it was selected, labeled and cleaned",
        "数据：来源、范围、筛选、标注与清洗",
    ),
    "annex.2e": ("Human oversight: which measures are needed (Article 14)", "人工监督：所需措施评估（第 14 条）"),
    "annex.2f": ("Changes that are planned beforehand", "预先确定的变更"),
    "annex.2g": (
        "Validation and testing: data, metrics, robustness, discriminatory effects, signed reports",
        "验证与测试：数据、指标、稳健性、潜在歧视影响及签署的测试报告",
    ),
    "annex.2h": ("Cybersecurity", "网络安全措施"),
    "annex.3": ("Monitoring, functioning and control", "监测、运行与控制"),
    "annex.4": ("Why the performance metrics are appropriate", "性能指标的适当性"),
    "annex.5": ("Risk management system (Article 9)", "风险管理体系（第 9 条）"),
    "annex.6": ("Changes through the lifecycle", "生命周期内的变更"),
    "annex.7": ("Harmonised standards applied, or what was done instead", "采用的协调标准或替代方案"),
    "annex.8": ("EU declaration of conformity (Article 47)", "欧盟符合性声明（第 47 条）"),
    "annex.9": ("Plan for monitoring after it is on the market (Article 72)", "上市后监测计划（第 72 条）"),
    "annex.meets": (
        "It is served by golive over HTTP (JSON and the Open Inference Protocol), over gRPC where that is switched on, "
        "or predicts from files; each answer names the version.",
        "由 golive 通过 HTTP（JSON 与 Open Inference Protocol）提供服务，启用后也支持 gRPC，或对文件进行离线预测；"
        "每次回答均注明版本。",
    ),
    "annex.architecture": (
        "Declared preparation steps, then the graph {graph} in the runtime {runtime}, then labels; a bundle holds all "
        "of it and is named by the digest of its content.",
        "先执行声明的预处理步骤，再由运行时 {runtime} 执行计算图 {graph}，最后得到标签；模型包含全部内容，"
        "并以其内容摘要命名。",
    ),
    "annex.rules": (
        "The metrics that the gate decides by: {rules}.",
        "门禁所依据的指标规则：{rules}。",
    ),
    "gap.annex.1a": ("intended purpose and the name of the provider", "预期用途与提供者名称"),
    "gap.annex.1b": ("the systems around it", "周边系统"),
    "gap.annex.1c": ("versions beside those of the libraries, and how updates are made", "库以外的版本以及更新方式"),
    "gap.annex.1d": ("such as a package, a download, an API or inside a device", "例如软件包、下载、API 或嵌入设备"),
    "gap.annex.1e": ("the hardware meant for production", "生产环境的硬件"),
    "gap.annex.1f": (
        "photographs or drawings, or that it is not part of a product",
        "照片或图示，或说明不属于产品部件",
    ),
    "gap.annex.1g": ("what deployers see and can do", "部署者看到的界面及可执行的操作"),
    "gap.annex.1h": ("the instructions (Article 13)", "使用说明（第 13 条）"),
    "gap.annex.2a": (
        "steps outside golive, pre-trained parts and tools of third parties",
        "golive 之外的步骤、预训练部件与第三方工具",
    ),
    "gap.annex.2b": (
        "reasons and assumptions, also about the people it is used on; which trade-offs were accepted",
        "理由与假设（包括所针对的人群），以及接受的取舍",
    ),
    "gap.annex.2c": (
        "computing resources used to develop, train, test and validate",
        "开发、训练、测试与验证所用的计算资源",
    ),
    "gap.annex.2d": (
        "provenance, how rows were obtained and labeled, and why they fit the purpose",
        "数据来源、获取与标注方式，以及为何适合该用途",
    ),
    "gap.annex.2e": ("who oversees, with what power to intervene", "由谁监督、有何干预权限"),
    "gap.annex.2f": ("changes foreseen to the system and its performance, or none", "预见的系统及性能变更，或无"),
    "gap.annex.2g": ("date and signature of those responsible for the tests", "测试负责人的签名与日期"),
    "gap.annex.2h": ("threats considered and measures taken", "考虑的威胁与采取的措施"),
    "gap.annex.3": (
        "foreseeable unintended outcomes, risks to health, safety, fundamental rights and of discrimination, and how "
        "deployers are helped to read the answers",
        "可预见的非预期结果，对健康、安全、基本权利的风险及歧视风险，以及帮助部署者理解输出的措施",
    ),
    "gap.annex.4": ("why these metrics and bounds suit the purpose", "为何这些指标与界限适合该用途"),
    "gap.annex.5": ("the risk management system: risks, measures, what remains", "风险管理体系：风险、措施与剩余风险"),
    "gap.annex.6": ("changes by the provider beside the releases above", "除上述发布外提供者所做的变更"),
    "gap.annex.7": ("the list of standards, or a description of the solutions", "标准清单或解决方案说明"),
    "gap.annex.8": ("a copy of the declaration", "符合性声明副本"),
    "gap.annex.9": ("the plan, and how incidents are reported", "监测计划及事件报告方式"),
}
