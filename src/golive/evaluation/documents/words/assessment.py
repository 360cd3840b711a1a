"""Words of the Chinese self-assessment report."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "assessment.title": ("{name}: self-assessment of algorithm safety (draft)", "{name} 算法安全自评估报告（草案）"),
    "assessment.draft": (
        "Draft of {day}, made from evaluation records, in the order of reports filed under the Provisions on the "
        "Management of Algorithmic Recommendations in Internet Information Services. It is no legal advice; whether a "
        "filing is due, and its current template, a person must check. What golive cannot know is marked.",
        "本草案写于 {day}，依据评估记录生成，体例参照《互联网信息服务算法推荐管理规定》备案所需的自评估报告。"
        "本草案不构成法律意见；是否需要备案以及现行模板须由人核实。golive 无法得知的内容均已标出。",
    ),
    "assessment.1": ("1. The algorithm", "一、算法基本情况"),
    "assessment.1.flow": ("(1) How it works", "（一）算法流程"),
    "assessment.1.data": ("(2) Data", "（二）算法数据"),
    "assessment.1.model": ("(3) Model", "（三）算法模型"),
    "assessment.1.intervention": ("(4) Intervention", "（四）干预策略"),
    "assessment.1.marking": ("(5) Marking of results", "（五）结果标识"),
    "assessment.2": ("2. The service", "二、服务情况"),
    "assessment.2.service": ("(1) Service and use of the algorithm in it", "（一）服务简介与算法应用情况"),
    "assessment.2.place": ("(2) Software, hardware and place", "（二）软硬件设施与部署位置"),
    "assessment.3": ("3. Risks", "三、风险研判"),
    "assessment.3.data": ("(1) Data security and quality", "（一）数据安全与质量风险"),
    "assessment.3.model": ("(2) The model", "（二）算法模型风险"),
    "assessment.3.ethics": ("(3) Ethics and fairness", "（三）伦理与公平风险"),
    "assessment.3.misuse": ("(4) Abuse, malicious use and weak points", "（四）算法滥用、恶意利用与漏洞风险"),
    "assessment.4": ("4. Prevention and control", "四、风险防控情况"),
    "assessment.4.mechanism": ("(1) Mechanisms", "（一）风险防范机制"),
    "assessment.4.users": ("(2) Rights of users", "（二）用户权益保护"),
    "assessment.4.model": ("(3) Protection of the model", "（三）模型安全保障"),
    "assessment.4.data": ("(4) Protection of data", "（四）数据安全防护"),
    "assessment.5": ("5. Conclusion", "五、安全评估结论"),
    "assessment.5.conclusion": ("Conclusion", "结论"),
    "assessment.flow": (
        "A request is checked against the signature (names, types, missing values), goes through the declared "
        "preparation steps and the graph in {runtime}, and is answered with a number or a label; each answer names the "
        "version.",
        "请求先按签名校验（字段、类型、缺失值），再依次经过声明的预处理步骤和 {runtime} 中的计算图，"
        "最后返回数值或标签；每次回答均注明版本。",
    ),
    "assessment.mechanism": (
        "A release is made only after the gate has judged the evaluation by written rules. A release against it "
        "needs a reason, is shown as forced, and is in the audit log. An earlier release can be put back.",
        "发布须经门禁按书面规则对评估结果作出判定；违反判定的发布必须说明理由、标记为强制发布并记入审计日志；"
        "可随时回退到先前的发布。",
    ),
    "assessment.guards": (
        "A bundle is named by the digest of its content, which is checked when it is read; its files hold no pickle by "
        "default.",
        "模型包以其内容摘要命名，读取时逐一校验；默认不包含可执行的序列化对象（pickle）。",
    ),
    "gap.assessment.1.flow": ("the whole flow of the product around the model", "模型之外的完整业务流程（附流程图）"),
    "gap.assessment.1.data": (
        "sources and legal basis of the data, and whether it holds personal or biometric information",
        "数据来源与合法性，是否包含个人信息或生物特征信息",
    ),
    "gap.assessment.1.model": ("anything else about the model", "关于模型的其他说明"),
    "gap.assessment.1.intervention": ("who may intervene in results, when and how", "由谁、在何种情形下、如何干预结果"),
    "gap.assessment.1.marking": ("how results are marked for users", "面向用户的结果标识方式"),
    "gap.assessment.2.service": (
        "what the service is, since when it is online, its users and their number",
        "服务内容、上线时间、用户群体与规模",
    ),
    "gap.assessment.2.place": ("where it is deployed", "部署位置"),
    "gap.assessment.3.data": ("risks of collecting, keeping and passing on data", "数据采集、存储与传输中的风险"),
    "gap.assessment.3.model": ("how grave a wrong answer is", "错误结果的严重程度"),
    "gap.assessment.3.ethics": (
        "effects on minors, the elderly, workers and consumers, and on public opinion",
        "对未成年人、老年人、劳动者、消费者以及社会舆论的影响",
    ),
    "gap.assessment.3.misuse": ("how the algorithm could be abused or attacked", "算法可能如何被滥用或攻击"),
    "gap.assessment.4.mechanism": (
        "responsible persons, rules for monitoring, emergencies and violations",
        "责任人以及监测、应急与违规处置制度",
    ),
    "gap.assessment.4.users": (
        "how users are informed, can switch it off and complain",
        "用户告知、关闭选项与申诉渠道",
    ),
    "gap.assessment.4.model": ("further measures for the model", "模型安全的其他措施"),
    "gap.assessment.4.data": ("measures for the data", "数据安全措施"),
    "gap.assessment.5.conclusion": (
        "the conclusion, with the name of the person responsible for the safety of the algorithm, seal and date",
        "评估结论、算法安全责任人姓名、盖章与日期",
    ),
}
